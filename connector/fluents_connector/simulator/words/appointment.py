"""A practice books, moves and cancels appointments."""

from __future__ import annotations

from fluents_connector.simulator.words.english import ENGLISH
from fluents_connector.simulator.words.parts import Business, Exchange, Outcome, Task

APPOINTMENT = Business(
    kind="appointment",
    language=ENGLISH,
    companies=("Brightwater Dental", "Lakeside Physiotherapy", "Dr. Okafor's practice"),
    amounts=(40, 300),
    items=("check-up", "cleaning", "first consultation", "follow-up", "hygiene visit"),
    inbound=(
        "Thanks for calling {company}, this is {agent}. How can I help you today?",
        "{company}, {agent} speaking. Would you like to book, change or cancel an appointment?",
    ),
    reasons=(
        "Hi, I'd like to book a {item}, please.",
        "I need to move my {item}, something came up at work.",
        "My tooth has been killing me since {day}. Do you have anything soon?",
    ),
    outbound=(
        "Hello, this is {agent} from {company}. Am I speaking with {name}?",
        "Hi {name}, it's {agent} calling from {company} about your {item} on {day}.",
    ),
    identity=("Yes, speaking.", "This is {name}.", "Yeah, that's me. What's up?"),
    steps=(
        Exchange(
            ("Have you been with us before?", "Are you already a patient of ours?"),
            (
                "Yes, about a year ago.",
                "No, this would be my first time.",
                "My husband has, I haven't.",
            ),
        ),
        Exchange(
            (
                "The next opening for a {item} is {day} at {time}. Does that work?",
                "I could offer you {day} at {time}, or the day after. Which is better?",
            ),
            (
                "{day} works for me.",
                "Do you have anything later in the day?",
                "I work until five, so {time} would be perfect.",
                "Not {day}, I'm travelling then.",
            ),
        ),
        Exchange(
            ("May I have your date of birth, please?", "And your date of birth?"),
            ("March third, nineteen eighty-four.", "Do you need that?"),
        ),
        Exchange(
            ("And the phone number to confirm it with?",),
            ("Same one I'm calling from.", "You have it on file, I think."),
        ),
        Exchange(
            ("Will you be using insurance?", "Which insurance do you have?"),
            ("I have Delta, I think.", "I'll pay myself."),
        ),
        Exchange(
            (
                "Is there anything the doctor should know beforehand?",
                "Any allergies or medication?",
            ),
            ("I'm allergic to penicillin.", "No, nothing.", "I'm expecting, fourth month. 🤰"),
        ),
    ),
    asides=(
        Exchange(
            ("How much is a {item} without insurance?", "What does the {item} cost me?"),
            ("It comes to {amount}.", "That's {amount}, and you can pay in instalments."),
        ),
        Exchange(
            ("Where do I park?",), ("We're at {street}, and there is parking behind the building.",)
        ),
        Exchange(("Are you still at {street}?",), ("Yes, {street}, second floor.",)),
        Exchange(
            ("Can I bring my daughter along?", "Does my mother need a separate slot?"),
            (
                "Of course, please come {minutes} minutes early.",
                "Yes, I can hold {time} for her as well.",
            ),
        ),
    ),
    read_back="Let me read that back:\n{item}\n{day} at {time}\nfor {name}. Is that right?",
    closing=Exchange(
        (
            "You're all set for {day} at {time}. Anything else?",
            "See you {day}! Anything else today?",
        ),
        ("No, that's all. Thank you!", "Nope, thanks, bye.", "That's great, have a good one."),
    ),
    voicemail=(
        "Hi {name}, {agent} from {company}. Your {item} is {day} at {time}. Please call us back.",
    ),
    tasks=(
        Task(
            "check_availability",
            {"service": "{item}", "day": "{day}"},
            {"available": True, "slot": "{time}"},
        ),
        Task(
            "book_appointment",
            {"patient": "{name}", "service": "{item}", "day": "{day}", "time": "{time}"},
            {"confirmation": "A-{number}", "confirmed": True},
        ),
    ),
    outcomes=(
        Outcome("booked", "{name} booked a {item} for {day} at {time}."),
        Outcome("rescheduled", "Moved the {item} to {day} at {time}; {name} prefers afternoons."),
        Outcome("cancelled", "{name} cancelled the {item} of {day}. Fee of {amount} waived."),
        Outcome(
            "call_back_requested",
            "{name} asked what a {item} costs ({amount}) and wants a call back.",
        ),
        Outcome("no_slot_found", "Wanted to move the {item}. No suitable slot before {day}."),
    ),
)
