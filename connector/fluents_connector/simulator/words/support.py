"""An internet provider helps customers whose connection fails."""

from __future__ import annotations

from fluents_connector.simulator.words.english import ENGLISH
from fluents_connector.simulator.words.parts import Business, Exchange, Outcome, Task

SUPPORT = Business(
    kind="support",
    language=ENGLISH,
    companies=("Fibre & Sons", "Clearline Internet", "Orbit Broadband"),
    amounts=(10, 120),
    items=("router", "modem", "mesh repeater", "set-top box"),
    inbound=(
        "{company} support, I'm {agent}. What's going wrong?",
        "Hello, {agent} at {company}. Is it about your internet, your bill or something else?",
    ),
    reasons=(
        "My internet has been down since {day}.",
        "The {item} keeps blinking red and nothing works.",
        "It drops every evening around {time}. I work from home!",
        "You charged me {amount} twice.",
    ),
    outbound=(
        "Hi {name}, {agent} from {company}, following up on ticket {number}. Is it working now?",
    ),
    identity=("It was, until {time}.", "No. Still dead.", "Better, but slow.", "Which ticket?"),
    steps=(
        Exchange(
            ("Which lights do you see on the {item}?", "Can you tell me what colour the light is?"),
            ("Red.", "Green, green, and one orange that blinks.", "There are no lights at all."),
        ),
        Exchange(
            (
                "Please unplug the {item}, wait thirty seconds and plug it in again.",
                "Could you hold the small button on the back for ten seconds?",
            ),
            (
                "I've done that three times already.",
                "Okay... it's starting up.",
                "There is no button. Oh wait, there is.",
            ),
        ),
        Exchange(
            ("Is it the same over a cable?",),
            ("I don't own a cable.", "Same thing.", "With the cable it works, actually."),
        ),
        Exchange(
            ("Does it happen on your phone as well?",),
            ("Yes, on everything.", "No, only the laptop."),
        ),
        Exchange(
            ("I see an outage around {street}. It should be fixed by {time}.",),
            ("Fine.", "You said that last week!"),
        ),
        Exchange(
            ("I'd like to send a technician on {day} at {time}. Will someone be there?",),
            ("{day} works, after {time}.", "Yes, my wife will.", "Another one?"),
        ),
    ),
    asides=(
        Exchange(
            ("Do I get money back for this?", "Why should I pay {amount} for this?"),
            (
                "I've credited {amount} to your account.",
                "You'll see {amount} less on the next bill.",
            ),
        ),
        Exchange(("What speed should I be getting?",), ("Your plan gives 500 down, 50 up.",)),
        Exchange(
            ("What's my Wi-Fi name supposed to be?",),
            ("It is printed below the {item}, ends in {number}.",),
        ),
        Exchange(("And now it asks for an update?",), ("Let it run, it takes {minutes} minutes.",)),
        Exchange(
            ("The page says error {number}. What's that?",),
            ("That's a line error, I'm testing it now.",),
        ),
    ),
    read_back="Here's where we are:\n- {item} restarted\n- ticket {number}\n- visit {day}, {time}",
    closing=Exchange(
        ("Your ticket is {number}. Anything else I can do?", "Is it back up now?"),
        ("No, it's working. Thanks!", "It's back! 🎉 Thank you.", "We'll see. Bye."),
    ),
    voicemail=("Hi {name}, {company} about ticket {number}: a technician comes {day} at {time}.",),
    tasks=(
        Task(
            "run_line_test",
            {"account": "{number}", "device": "{item}"},
            {"signal_ok": False, "loss_percent": 14, "outage": "{street}"},
        ),
        Task(
            "open_ticket",
            {"customer": "{name}", "symptom": "{item} offline", "visit": "{day} {time}"},
            {"ticket": "{number}", "priority": "high"},
        ),
    ),
    outcomes=(
        Outcome("solved", "Solved by restarting the {item}. Ticket {number} closed. ✅"),
        Outcome(
            "technician_sent",
            "{item} offline since {day}; a restart did not help. Technician {day}, {time}.",
        ),
        Outcome("outage_known", "Known outage around {street}, expected to end at {time}."),
        Outcome("refund", "Credited {amount} for the outage."),
        Outcome("escalated", "{name} is upset about a double charge of {amount}. Escalated."),
    ),
)
