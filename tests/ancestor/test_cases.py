"""Conversations that the sender's ancestor made: what the files hold."""

from __future__ import annotations

from tests.ancestor.forms import FAKE_SECRET, FORMS, bodies, read

CALLS = read()


def test_the_drawn_calls_have_all_that_they_should() -> None:
    drawn = [call["drawn"] for call in CALLS]
    actions = [action for call in drawn for action in call["actions"]]

    assert {action["success"] for action in actions if action["phase"] == "finish"} == {
        True,
        False,
        None,
    }
    assert {action["type"] for action in actions} == {
        "action_dtmf",
        "action_end_conversation",
        "action_external",
        "action_look_up",
        "action_record_email",
        "action_transfer_call",
        "action_wait",
    }
    assert {kind for call in drawn for kind, _, _ in call["conference"]} == {
        "participant_joined",
        "participant_left",
        "participant_unanswered",
        "voicemail",
    }
    assert {call["is_heard_in_chunks"] for call in drawn} == {True, False}
    assert {call["are_backchannels_plain_words"] for call in drawn} == {True, False}
    for some in ("cut_offs", "backchannels", "stated_minutes", "did_not_connect_reason"):
        assert sum(bool(call.get(some)) for call in drawn) > 2, some


def test_bodies_say_the_same_call_in_each_form_and_have_a_secret_to_redact() -> None:
    sent = [body for call in CALLS for form in FORMS for body in bodies(call, form)]

    assert len(sent) > 4000
    assert sum(FAKE_SECRET.encode() in body for body in sent) > 300
