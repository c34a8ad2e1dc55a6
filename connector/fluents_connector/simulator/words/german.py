"""What is said in German: a carrier looks for parcels."""

# ruff: noqa: RUF001 - the dotless i belongs to the name

from __future__ import annotations

from fluents_connector.simulator.words.parts import Business, Exchange, Language, Outcome, Task

GERMAN = Language(
    code="de",
    phone=("+493023125", 3),
    money="{},{:02} €",
    names=("Frau Müller", "Herr Weiß", "Frau Yıldız", "Herr Größ", "Frau Öztürk"),
    agents=("Lena", "Jonas"),
    days=("Montag", "Mittwoch", "Freitag", "am 14.", "übermorgen"),
    times=("neun Uhr fünfzehn", "halb elf", "14 Uhr", "Viertel vor vier", "19 Uhr"),
    streets=("Hauptstraße 12", "Königsallee 48a", "Am Weißen Berg 7"),
    hesitations=("Äh... ", "Also... ", "Naja... ", "Moment. "),
    acknowledgements=("Alles klar.", "Danke, {name}.", "Verstehe.", "Sehr gerne 🙂"),
    confirmations=("Ja, richtig.", "Stimmt so.", "Genau."),
    asides=(
        Exchange(
            ("Wie bitte?", "Können Sie das wiederholen?"),
            ("Natürlich: {day}, {time}.", "Entschuldigung, ich sagte {day} um {time}."),
        ),
        Exchange(
            ("Sind Sie ein Mensch?", "Spreche ich mit einem Computer?"),
            ("Ich bin {agent}, die digitale Assistentin von {company}.", "Ich bin eine KI, ja."),
        ),
        Exchange(
            ("Wie lange dauert das noch?", "Ich hab nicht viel Zeit."),
            ("Höchstens {minutes} Minuten.", "Wir sind gleich fertig."),
        ),
    ),
    transfer=("Ich verbinde Sie mit einer Kollegin. Bitte bleiben Sie dran.",),
    nobody_free=("Leider ist gerade niemand frei. Wir rufen in {minutes} Minuten zurück.",),
    machine=("Guten Tag, hier ist der Anschluss von {name}. Bitte sprechen Sie nach dem Ton.",),
)

PARCELS = Business(
    kind="delivery_problem",
    language=GERMAN,
    companies=("Paketfuchs", "Blitzversand Grün", "Eilbote & Söhne"),
    amounts=(8, 90),
    items=("Kaffeemaschine", "Bücherkiste", "Matratze", "Geburtstagstorte"),
    inbound=("Willkommen bei {company}, ich bin {agent}. Worum geht es?",),
    reasons=(
        "Meine {item} ist nicht angekommen, Sendung {number}.",
        "Da steht zugestellt, aber hier ist nichts!",
        "Das Paket war völlig durchnässt.",
    ),
    outbound=("Guten Tag, {agent} von {company}. Unser Fahrer findet {street} nicht.",),
    identity=("Na endlich!", "Ich war den ganzen Tag zu Hause.", "Ja, das ist hinten im Hof."),
    steps=(
        Exchange(("Stimmt die Adresse {street}?",), ("Ja, genau.", "Nein, wir sind umgezogen.")),
        Exchange(
            ("An welcher Klingel soll der Fahrer läuten?",),
            ("Hinterhaus, ganz oben.", "Steht mein Name dran."),
        ),
        Exchange(
            ("Laut System liegt die Sendung beim Nachbarn.", "Sie ist noch im Depot."),
            ("Bei welchem?", "Das kann nicht sein.", "Oh, da schau ich gleich."),
        ),
        Exchange(
            ("Passt eine neue Zustellung {day}?",),
            ("{day} passt, aber nach {time}.", "Nein, {day} bin ich weg."),
        ),
        Exchange(
            ("Möchten Sie lieber eine Erstattung?",),
            ("Ja, ich will mein Geld zurück.", "Nein, ich brauche die {item}."),
        ),
    ),
    asides=(
        Exchange(
            ("Kann ich es selbst abholen?", "Bis wann hat das Depot auf?"),
            ("Ja, {street}, bis {time}. Bitte mit Ausweis.", "Bis {time}."),
        ),
        Exchange(
            ("Wer zahlt den Schaden?", "Bekomme ich die {amount} zurück?"),
            ("Wir erstatten {amount}.", "Bitte schicken Sie uns ein Foto."),
        ),
    ),
    read_back="Ich fasse zusammen:\n- Sendung {number}\n- {day} nach {time}\n- {street}\nRichtig?",
    closing=Exchange(
        ("Das ist notiert. Kann ich noch etwas tun?", "Sie bekommen gleich einen Link. 📦"),
        ("Nein, danke. Tschüss!", "Hoffentlich. Wiederhören.", "Danke schön."),
    ),
    voicemail=("Guten Tag {name}, {company} hier. Wir versuchen es {day} noch einmal.",),
    tasks=(
        Task(
            "sendung_verfolgen",
            {"sendungsnummer": "{number}"},
            {"status": "im Depot", "nächster_versuch": "{day}"},
        ),
    ),
    outcomes=(
        Outcome(
            "neue_zustellung",
            "Sendung {number} ({item}) nicht angekommen; neue Zustellung {day} nach {time}.",
        ),
        Outcome("erstattung", "{name} ist verärgert 😡 und möchte {amount} zurück."),
        Outcome("beim_nachbarn_gefunden", "Die {item} lag beim Nachbarn."),
    ),
)
