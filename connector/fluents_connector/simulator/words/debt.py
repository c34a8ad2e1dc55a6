"""A lender reminds of an unpaid bill."""

from __future__ import annotations

from fluents_connector.simulator.words.english import ENGLISH
from fluents_connector.simulator.words.parts import Business, Exchange, Outcome, Task

DEBT = Business(
    kind="payment_reminder",
    language=ENGLISH,
    companies=("Northgate Credit", "Harbor Utilities", "Fairline Leasing"),
    amounts=(60, 900),
    items=("electricity bill", "car lease", "store card", "water bill"),
    inbound=("{company} billing, this is {agent}. May I have your account number?",),
    reasons=(
        "It's {number}. I got a letter about my {item}.",
        "I don't have it here. You called me about {amount}?",
    ),
    outbound=(
        "Hello, this is {agent} from {company}. May I speak with {name}?",
        "Good afternoon, I'm calling from {company} about account {number}. Is this {name}?",
    ),
    identity=("Who's asking?", "Yes, this is {name}.", "He's not here right now.", "Speaking."),
    steps=(
        Exchange(
            ("For your security, could you confirm your postal code?",),
            ("Nine four one oh seven.", "I'm not giving you that over the phone."),
        ),
        Exchange(
            ("And what is your address on file?", "Which address do we have for you?"),
            ("{street}.", "It was {street}, but I'm moving."),
        ),
        Exchange(
            (
                "Our records show {amount} outstanding on your {item}, due since {day}.",
                "I'm calling because the {item} payment of {amount} did not go through.",
            ),
            (
                "I already paid that!",
                "Yeah, I know. Money's been tight since I lost my job.",
                "That's not right, my bill is never that much.",
                "Oh, I completely forgot.",
            ),
        ),
        Exchange(
            (
                "Could you pay the full amount today, or would a plan suit you better?",
                "We can split {amount} into three payments. Would that help?",
            ),
            (
                "A plan would be better.",
                "I get paid {day}, can it wait until then?",
                "I'll pay it now by card.",
                "I want to dispute it.",
            ),
        ),
        Exchange(
            ("Which date should I note for the first payment?", "Shall I set it up for {day}?"),
            ("{day} is fine.", "Make it the end of the month.", "Whenever, just stop calling me."),
        ),
    ),
    asides=(
        Exchange(("Will this hurt my credit score?",), ("Not if it is paid by {day}.",)),
        Exchange(
            ("Is there a late fee on top?",),
            ("There is a fee of {amount}, which I can waive once.",),
        ),
        Exchange(("How did you get this number?",), ("It is the one on your account.",)),
        Exchange(
            ("Please take me off your list.",), ("I've noted that you don't wish to be called.",)
        ),
        Exchange(("Can I speak to a supervisor?",), ("A supervisor can call you {day}.",)),
        Exchange(("I want this in writing.",), ("I'll send a statement to {street}.",)),
    ),
    read_back="To confirm:\n- {amount} for the {item}\n- first payment {day}\nIs that correct?",
    closing=Exchange(
        ("Thank you, {name}. You'll get a confirmation by text.", "That's noted. Have a good day."),
        ("Okay, bye.", "Thanks for being nice about it.", "Yeah. Bye."),
    ),
    voicemail=("This is {agent} from {company} with a message for {name}. Please call us back.",),
    tasks=(
        Task("lookup_balance", {"account": "{number}"}, {"balance": "{amount}", "days_late": 12}),
        Task(
            "take_payment",
            {"account": "{number}", "amount": "{amount}"},
            {"status": "accepted", "receipt": "R-{number}"},
        ),
    ),
    outcomes=(
        Outcome(
            "promise_to_pay",
            "{name} acknowledged {amount} due on the {item} and promised to pay on {day}.",
        ),
        Outcome("paid", "{name} paid {amount} by card. Receipt R-{number}."),
        Outcome(
            "disputed", "{name} disputes the {item} balance of {amount}. Wants it in writing. 😠"
        ),
        Outcome("refused", "{name} refused to confirm the address and hung up."),
        Outcome("wrong_person", "The number no longer belongs to {name}."),
        Outcome("payment_plan", "Set up a three-part plan for {amount}, first payment {day}."),
    ),
)
