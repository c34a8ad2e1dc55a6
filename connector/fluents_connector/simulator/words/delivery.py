"""A carrier looks for parcels and brings them again."""

from __future__ import annotations

from fluents_connector.simulator.words.english import ENGLISH
from fluents_connector.simulator.words.parts import Business, Exchange, Outcome, Task

DELIVERY = Business(
    kind="delivery_problem",
    language=ENGLISH,
    companies=("ParcelHive", "QuickShip", "Blue Van Logistics"),
    amounts=(8, 90),
    items=("laptop", "sofa", "birthday present", "pair of boots", "coffee machine"),
    inbound=(
        "Welcome to {company}, I'm {agent}. Do you have a tracking number?",
        "{company} customer care, {agent} here. What happened with your delivery?",
    ),
    reasons=(
        "Yes, it's {number}. It says delivered, but there's nothing here.",
        "My {item} arrived smashed. The box was soaking wet.",
        "I've been waiting for a {item} since {day}.",
    ),
    outbound=(
        "Hi {name}, {agent} from {company}. Our driver could not find {street}. Got a minute?",
    ),
    identity=("Yes, finally!", "Sure, what's wrong?", "I was home all day, nobody rang."),
    steps=(
        Exchange(
            ("Could you confirm the address for me?",),
            ("It's {street}.", "{street}, the bell is broken."),
        ),
        Exchange(
            ("Is anyone home during the day?", "When are you usually at home?"),
            ("In the evening, we both work.", "All day.", "After {time}, usually."),
        ),
        Exchange(
            (
                "I can see parcel {number}. The driver left it with a neighbour at {time}.",
                "It's at the depot; the scan on {day} says nobody was home.",
            ),
            (
                "Which neighbour?",
                "That's not true, I was here.",
                "Oh, let me look... no, not there.",
            ),
        ),
        Exchange(
            ("Shall we try again on {day}?",),
            ("{day}, but after {time}.", "Fine, {day}.", "No, {day} is no good."),
        ),
        Exchange(
            ("Would you like a refund or a new {item}?",),
            ("Just refund me.", "A new one, please, and quickly."),
        ),
        Exchange(
            ("Where may the driver leave it if you're out?",),
            ("Behind the blue bin.", "With number 9, not number 7."),
        ),
        Exchange(("Is there a gate code?",), ("The code is four four one nine.", "No, it's open.")),
    ),
    asides=(
        Exchange(("Can I pick it up myself?",), ("Yes, {street}, until {time}. Bring some ID.",)),
        Exchange(("How late is the depot open?",), ("It's open until {time} on {day}.",)),
        Exchange(("Who pays for the damage?",), ("We'll credit {amount}.",)),
        Exchange(
            ("Do I get the shipping back?",),
            ("Please send us a photo; most claims take {minutes} days.",),
        ),
        Exchange(
            ("It's a present, I need it by {day}!", "Can't someone just bring it today?"),
            ("I've marked it urgent for {day}.", "The last van leaves at {time}, I'll try."),
        ),
    ),
    read_back="So:\n1. parcel {number}\n2. {day}, after {time}\n3. leave it at {street}\nOkay?",
    closing=Exchange(
        ("It's arranged for {day}. Anything else?", "You'll get a link to follow the van. 📦"),
        ("No. Thanks for your help.", "I hope so. Bye.", "Cheers."),
    ),
    voicemail=("Hi {name}, {company} here. We missed you at {street} and will try again {day}.",),
    tasks=(
        Task(
            "track_parcel", {"tracking_number": "{number}"}, {"status": "at_depot", "scan": "{day}"}
        ),
        Task(
            "schedule_redelivery",
            {"tracking_number": "{number}", "day": "{day}", "note": "after {time}"},
            {"scheduled": True, "eta_minutes": 95},
        ),
    ),
    outcomes=(
        Outcome(
            "redelivery_scheduled",
            "Parcel {number} ({item}) not received. Redelivery on {day} after {time}.",
        ),
        Outcome(
            "refund_started", "{name} reports a damaged {item}; refund of {amount} started. 📦💔"
        ),
        Outcome(
            "claim_opened", "Claim opened for parcel {number}; photos of the {item} to follow."
        ),
        Outcome("found_at_neighbour", "The {item} was with a neighbour at {street}."),
        Outcome(
            "address_corrected",
            "Driver could not find {street}. Address corrected, new attempt {day}.",
        ),
    ),
)
