"""What is said, and the words that come with it."""

BOT = [
    "Hello, this is Ada from the clinic.",
    "How can I help you today?",
    "One moment, please.",
    "Your appointment is at 10:30 on Monday.",
    "I have two times: 9:15 or 14:00.",
    "Could you spell your last name for me?",
    "Thank you.",
    "Is there anything else that I can do for you?",
    "Let me look that up for you, it will not take long.",
    "Two things.\nFirst: your date of birth.\nSecond: your postcode.",
    "Grüße aus Zürich, schön, dass Sie anrufen!",
    "Hello?",
    "I am sorry, I did not get that.",
    "Your number is [redacted], is that right?",
]
CUT_OFF = [
    ("The price depends on the room and the length of your stay.", "The price depends on the"),
    ("Before we go on I have to tell you that this call is recorded.", "Before we go on I"),
    ("We are open from Monday to Friday.", "We are open from Mon"),
    ("Let me repeat what you have told me so far.", "Let"),
]
HUMAN = [
    "Yes.",
    "No, thank you.",
    "Okay.",
    "I would like to move my appointment.",
    "It is Meier, M-E-I-E-R.",
    "Are you a bot: yes or no?",
    "Can I speak to a human?",
    "9:15 is fine",
    "I was wondering, could you-",
    "yeah",
    "Hello?",
    "  My number is 555 0100.",
]
SOUNDS = ["mhm", "Uh-huh.", "mm-hmm"]
WORDS = ["yeah", "okay", "right"]
SERVICES = ["book_appointment", "check_stock", "crm.update"]
STATUSES = {
    "busy": "busy",
    "failed": "failed",
    "no-answer": "no_answer",
    "no_answer": "no_answer",
    "canceled": "canceled",
}
"""Telephony's words for why a call did not connect, and the one word for each."""
