"""An internet provider offers its customers a faster line."""

from __future__ import annotations

from fluents_connector.simulator.words.english import ENGLISH
from fluents_connector.simulator.words.parts import Business, Exchange, Outcome, Task

SALES = Business(
    kind="sales",
    language=ENGLISH,
    companies=("Clearline Internet", "Orbit Broadband"),
    amounts=(24, 59),
    items=("full fibre plan", "mobile bundle", "mesh package", "TV package"),
    inbound=(
        "{company} offers, this is {agent}. How can I help?",
        "Hello, {agent} at {company}. Are you calling about our {item}?",
    ),
    reasons=(
        "You tried to reach me on {day}.",
        "I saw the {item} in your letter. What does it cost?",
        "My neighbour has the {item}. Can I get it too?",
    ),
    outbound=(
        "Hi {name}, {agent} from {company}. Fibre has come to {street}. Do you have a minute?",
        "Hello, is this {name}? {agent} from {company}: there is an offer on your line.",
    ),
    identity=("Speaking. Make it quick.", "Yes, that's me.", "Who is this?", "Go on, then."),
    steps=(
        Exchange(
            ("How many of you are online at home?", "Who uses the internet at your place?"),
            ("There are {people} of us.", "Just me, but I work from home.", "The kids, all day."),
        ),
        Exchange(
            ("What do you pay at the moment, roughly?",),
            ("{amount}, I think.", "Too much.", "No idea, it goes off by itself."),
        ),
        Exchange(
            (
                "The {item} is {amount} a month, for two years. How does that sound?",
                "With the {item} you'd pay {amount}, and fitting is free. Shall I explain?",
            ),
            ("That's less than now, actually.", "It's still a lot.", "And after two years?"),
        ),
        Exchange(
            ("The engineer needs about two hours. Would {day} at {time} suit you?",),
            ("{day} is fine.", "After {time}, if it has to be.", "Let me ask first."),
        ),
        Exchange(
            ("May I send the summary by email before you decide?",),
            ("Yes, do that.", "You have my address, I hope.", "No need."),
        ),
    ),
    asides=(
        Exchange(("Is there a catch?",), ("None. You can leave within 14 days.",)),
        Exchange(
            ("What about my old contract?", "Do I have to cancel with the others?"),
            ("We end it for you, on {day}.", "You don't have to do anything."),
        ),
        Exchange(("Do I keep my number?",), ("You do. It moves over at {time}.",)),
        Exchange(("Someone else offered me {amount}.",), ("I can match that, for {item}.",)),
    ),
    read_back="So that is:\n- {item}\n- {amount} a month\n- fitted {day}, {time}",
    closing=Exchange(
        ("You get all of it in writing. Anything else?", "Thank you for your time, {name}."),
        ("No, that's it. Bye.", "Thanks, bye.", "I'll read it first."),
    ),
    voicemail=("Hi {name}, {agent} from {company}. There is news for {street}. I'll try again.",),
    tasks=(
        Task(
            "check_line",
            {"address": "{street}", "plan": "{item}"},
            {"available": True, "megabits": 900},
        ),
        Task(
            "place_order",
            {"customer": "{name}", "plan": "{item}", "visit": "{day} {time}"},
            {"order": "O-{number}", "accepted": True},
        ),
    ),
    outcomes=(
        Outcome("sold", "{name} took the {item} for {amount}. Engineer {day}, {time}."),
        Outcome("call_back", "{name} wants to think about the {item}. Call back on {day}."),
        Outcome("not_interested", "{name} keeps what there is; the {item} was too dear."),
        Outcome("under_contract", "{name} is bound elsewhere for {minutes} more months."),
    ),
)
