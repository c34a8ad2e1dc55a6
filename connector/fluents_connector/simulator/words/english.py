"""What English speakers have in common on the phone, whatever the business."""

from __future__ import annotations

from fluents_connector.simulator.words.parts import Exchange, Language

ENGLISH = Language(
    code="en",
    phone=("+1415555", 4),
    money="${}.{:02}",
    names=("Maria", "James", "Aisha", "Tom", "Priya", "Daniel", "Chloé", "Owen", "Grace", "Luis"),
    agents=("Ava", "Sam", "Nora", "Max", "Riley"),
    days=("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "the 14th", "the 21st"),
    times=("9:15", "half past ten", "11 AM", "2:30 PM", "quarter to four", "5 o'clock", "7 PM"),
    streets=("12 Harbor Street", "48 Elm Court", "7 Station Road", "210 Lakeview Drive, unit 3B"),
    hesitations=("Um... ", "Well... ", "Oh. ", "Right. ", "Uh, hang on. ", "Okay, so. ", "Hmm. "),
    acknowledgements=(
        "Great.",
        "Got it.",
        "Thanks, {name}.",
        "Perfect.",
        "I understand.",
        "Of course.",
        "Absolutely 😊",
        "No problem at all.",
        "Sure thing.",
        "Thank you for confirming.",
    ),
    confirmations=("Yes, that's right.", "Correct.", "That's it, yes.", "Yep."),
    asides=(
        Exchange(
            ("Sorry, can you say that again?", "You broke up there. What was that?", "Pardon?"),
            ("Of course. I said {day} at {time}.", "Sorry about the line. It was {time}, {day}."),
        ),
        Exchange(
            ("Am I talking to a real person?", "Wait, are you a robot?", "Is this an AI?"),
            (
                "I'm {agent}, a virtual assistant for {company}. I can help or find a colleague.",
                "I'm an AI assistant. A person can call you back if you prefer.",
            ),
        ),
        Exchange(
            (
                "Hold on, someone's at the door.",
                "One second, the dog. Biscuit, no!",
                "Give me a sec.",
            ),
            ("Take your time.", "No rush, I'm still here.", "Sure, I'll wait."),
        ),
        Exchange(
            ("How long is this going to take?", "I only have a couple of minutes."),
            (
                "About {minutes} minutes at most.",
                "We're nearly done, I promise.",
            ),
        ),
        Exchange(
            ("Is this call recorded?", "Are you recording me?"),
            (
                "Yes, for quality and training. I can stop it if you wish.",
                "It is. Is that all right?",
            ),
        ),
        Exchange(("Can you text me that?",), ("I'll send it to this number after the call.",)),
        Exchange(
            ("Could you send it by email instead?",),
            ("Certainly, it goes out in {minutes} minutes.",),
        ),
    ),
    transfer=(
        "Let me put you through to a colleague who can sort this out.",
        "I'll transfer you to our team now. Please stay on the line.",
    ),
    nobody_free=(
        "I'm sorry, nobody is free right now. Someone will call you back within {minutes} minutes.",
        "The line is busy at the moment. May I have them call you back on {day}?",
    ),
    machine=(
        "Hi, you've reached {name}. I can't come to the phone. Leave a message after the beep.",
        "The person you are calling is not available. Please record your message after the tone.",
        "This is {name}'s voicemail, you know what to do!",
    ),
)
