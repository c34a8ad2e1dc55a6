"""A restaurant takes and confirms reservations."""

from __future__ import annotations

from fluents_connector.simulator.words.english import ENGLISH
from fluents_connector.simulator.words.parts import Business, Exchange, Outcome, Task

RESTAURANT = Business(
    kind="reservation",
    language=ENGLISH,
    companies=("Trattoria Lucia", "Saffron House", "Café Olé ☕"),
    amounts=(5, 95),
    items=("table by the window", "terrace table", "tasting menu", "private room"),
    inbound=(
        "{company}, good evening, this is {agent}. Would you like to reserve a table?",
        "Thank you for calling {company}. I'm {agent}. Reservation, or a question about the menu?",
    ),
    reasons=(
        "Hi, a table for {people} on {day}, please.",
        "Do you have anything at {time} for {people}?",
        "I have a reservation for {day} and we're now {people} people.",
    ),
    outbound=(
        "Hi, {agent} from {company}, confirming your table for {people} on {day} at {time}.",
    ),
    identity=("Yes, we'll be there.", "Oh, I need to cancel that.", "Can we make it {time}?"),
    steps=(
        Exchange(
            ("What time would you like?",),
            ("{time}, if possible.", "Around {time}, we have the kids with us."),
        ),
        Exchange(("We have {time} on {day}. Shall I hold it?",), ("Perfect.", "Anything earlier?")),
        Exchange(
            ("And what name shall I put it under?", "May I have a name for the booking?"),
            (
                "{name}.",
                "Under {name}, please. I'll spell it if you like.",
                "{name}, same as always.",
            ),
        ),
        Exchange(
            ("Any allergies or dietary wishes?",),
            (
                "One of us is vegan, and one can't have nuts.",
                "Two gluten-free, please.",
                "No, just hungry.",
            ),
        ),
        Exchange(
            ("Is it a special occasion?",),
            ("It's our anniversary! 🎉", "My mother turns seventy.", "No, just dinner."),
        ),
        Exchange(
            ("Would you prefer the {item}?", "Inside, or on the terrace?"),
            ("The {item} would be lovely.", "Inside, it gets cold.", "Wherever it's quiet."),
        ),
    ),
    asides=(
        Exchange(("Is there a dress code?",), ("Come as you are.",)),
        Exchange(("Do you have a high chair?",), ("Yes, we have two, I've noted one for you.",)),
        Exchange(
            ("How much is the tasting menu?",), ("It's {amount} a person, wine not included.",)
        ),
        Exchange(
            ("Do you charge for cancelling?",), ("Only after {time} on the day: {amount} a seat.",)
        ),
        Exchange(("Can we bring our own cake?",), ("Certainly, there's a small fee of {amount}.",)),
        Exchange(
            ("Do you still have the truffle pasta?",), ("Until {day}, while there are truffles.",)
        ),
    ),
    read_back="So that's\na {item} for {people}\n{day}, {time}\nunder {name}. Correct?",
    closing=Exchange(
        ("We look forward to seeing you on {day}!", "Your table is booked. Buon appetito! 🍝"),
        ("Thanks, see you then.", "Great, bye!", "Wonderful, thank you so much."),
    ),
    voicemail=("Hello {name}, {company} here. Please confirm your table for {people} on {day}.",),
    tasks=(
        Task(
            "find_table",
            {"day": "{day}", "time": "{time}", "guests": "{people}"},
            {"table": 14, "area": "{item}", "deposit": None},
        ),
        Task(
            "create_reservation",
            {"name": "{name}", "guests": "{people}", "day": "{day}", "time": "{time}"},
            {"reservation": "T{number}", "waitlisted": False},
        ),
    ),
    outcomes=(
        Outcome("reserved", "Table for {people} on {day} at {time} under {name} ({item})."),
        Outcome(
            "changed", "{name} changed the party to {people}. One vegan, one nut allergy. 🥜🚫"
        ),
        Outcome("cancelled", "{name} cancelled {day}. No fee."),
        Outcome("waitlisted", "Full on {day}; {name}, {people} guests, is on the waiting list."),
        Outcome("menu_question", "Asked about the menu; nothing was reserved."),
    ),
)
