"""What is said in French: a restaurant takes reservations."""

from __future__ import annotations

from fluents_connector.simulator.words.parts import Business, Exchange, Language, Outcome, Task

FRENCH = Language(
    code="fr",
    phone=("+3363998", 4),
    money="{},{:02} €",
    names=("Mme Lefèvre", "M. Benoît", "Mme N'Diaye", "M. Garçon", "Mme Hébert"),
    agents=("Camille", "Théo"),
    days=("lundi", "mercredi", "vendredi soir", "le 14", "après-demain"),
    times=("midi et quart", "19 h 30", "20 heures", "21 h"),
    streets=("12 rue de la Gare", "48 cours Mirabeau", "7 place de l'Église"),
    hesitations=("Euh... ", "Ben... ", "Attendez. ", "Alors... "),
    acknowledgements=("Très bien.", "C'est noté.", "Merci, {name}.", "Avec plaisir 😊"),
    confirmations=("Oui, c'est ça.", "Parfait.", "Exactement."),
    asides=(
        Exchange(
            ("Pardon, vous pouvez répéter ?", "Je vous entends mal."),
            ("Bien sûr : {day} à {time}.", "Excusez-moi, je disais {day}, {time}."),
        ),
        Exchange(
            ("Vous êtes un robot ?", "Je parle à une vraie personne ?"),
            ("Je suis {agent}, l'assistante virtuelle de {company}.", "Oui, une IA."),
        ),
        Exchange(
            ("Ne quittez pas, je demande à ma femme.", "Un instant, s'il vous plaît."),
            ("Prenez votre temps.", "Je vous en prie."),
        ),
    ),
    transfer=("Je vous passe un collègue, ne quittez pas.",),
    nobody_free=("Personne n'est disponible. On vous rappelle dans {minutes} minutes.",),
    machine=("Bonjour, vous êtes bien chez {name}. Laissez un message après le bip.",),
)

BISTRO = Business(
    kind="reservation",
    language=FRENCH,
    companies=("Chez Margot", "La Bœuferie", "L'Été Indien"),
    amounts=(9, 95),
    items=("table en terrasse", "menu dégustation", "table près de la fenêtre"),
    inbound=("{company}, bonsoir, {agent} à l'appareil. C'est pour une réservation ?",),
    reasons=(
        "Oui, une table pour {people} {day}.",
        "Vous avez de la place à {time} ?",
        "Je voudrais annuler pour {day}.",
    ),
    outbound=("Bonjour, {agent} de {company}. Vous confirmez votre table {day} à {time} ?",),
    identity=("Oui, on sera là.", "Ah non, il faut que j'annule.", "On sera {people}, finalement."),
    steps=(
        Exchange(("À quelle heure ?",), ("{time}, si possible.", "Vers {time}.")),
        Exchange(
            ("Il me reste {time}. Cela vous convient ?",), ("Parfait.", "Rien un peu plus tôt ?")
        ),
        Exchange(
            ("À quel nom ?", "Votre nom, s'il vous plaît ?"),
            ("{name}.", "Au nom de {name}, avec un accent."),
        ),
        Exchange(("Avez-vous des allergies ?",), ("Pas de noix, s'il vous plaît.", "Non, rien.")),
        Exchange(
            ("Est-ce une occasion particulière ?",),
            ("Un anniversaire ! 🎂", "Non, juste envie de sortir."),
        ),
    ),
    asides=(
        Exchange(("Le menu est à combien ?",), ("{amount} par personne.",)),
        Exchange(("Vous avez un plat végétarien ?",), ("Oui, le risotto, à {amount}.",)),
        Exchange(("On peut venir avec le chien ?",), ("Bien sûr, en terrasse.",)),
        Exchange(("C'est bien {street} ?",), ("Oui, {street}, à {minutes} minutes de la gare.",)),
    ),
    read_back="Je récapitule :\n{item} pour {people}\n{day} à {time}\nau nom de {name}. C'est ça ?",
    closing=Exchange(
        ("C'est réservé pour {day}.", "Merci et à bientôt ! 🍷"),
        ("Merci, au revoir.", "Très bien, bonne soirée.", "À bientôt !"),
    ),
    voicemail=("Bonjour {name}, {company}. Merci de confirmer votre table {day} à {time}.",),
    tasks=(
        Task(
            "réserver_table",
            {"nom": "{name}", "couverts": "{people}", "heure": "{time}"},
            {"confirmée": True, "référence": "R{number}"},
        ),
    ),
    outcomes=(
        Outcome("réservée", "Table pour {people} {day} à {time} au nom de {name}."),
        Outcome("annulée", "{name} annule sa réservation de {day}. 😕"),
        Outcome("modifiée", "{name} : finalement {people} personnes, {day}."),
    ),
)
