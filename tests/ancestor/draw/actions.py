"""Actions of a call: input, response, and the name, success and error that they should show."""

from __future__ import annotations

from typing import Any

from pydantic.v1 import BaseModel
from vocode.streaming.action import (
    dtmf,
    end_conversation,
    execute_external_action,
    external_actions_requester,
    record_email,
    transfer_call,
    wait,
)
from vocode.streaming.models.actions import ActionConfig, ActionInput

from tests.ancestor.draw.call import Call
from tests.ancestor.draw.words import SERVICES
from tests.ancestor.forms import FAKE_SECRET


class LookUpActionConfig(ActionConfig, type="action_look_up"):  # type: ignore
    """An action as a user of vocode adds one."""


class LookUpParameters(BaseModel):
    """What it looks for."""

    name: str


class LookUpResponse(BaseModel):
    """What it found; it does not say whether it succeeded."""

    found: int


def external(call: Call) -> Any:
    """A request to a service of the user."""
    name = call.random.choice(SERVICES)
    action = execute_external_action.ExecuteExternalAction(
        execute_external_action.ExecuteExternalActionVocodeActionConfig(
            processing_mode="muted",
            name=name,
            description=f"Calls the service {name}",
            url=f"https://services.test/{name}",
            input_schema='{"type": "object", "properties": {"day": {"type": "string"}}}',
            speak_on_send=False,
            speak_on_receive=False,
            signature_secret=FAKE_SECRET,
        )
    )
    action_input = action.create_action_input(call.id, {"day": "monday"})
    words = external_actions_requester.ExternalActionsErrorResponses
    outcomes: list[tuple[bool, dict[str, Any] | None, str | None]] = [
        (True, {"status": "booked", "id": 7}, None),
        (True, {}, None),
        (False, {"info": words.unauthorized}, words.unauthorized),
        (False, None, None),
        (False, {"error": "the slot is taken"}, "the slot is taken"),
        (False, {"error": {"code": 409, "message": "the slot is taken"}}, "the slot is taken"),
    ]
    success, result, error = call.random.choice(outcomes)
    response = execute_external_action.ExecuteExternalActionResponse(success=success, result=result)
    return action_input, response, name, success, error


def transfer(call: Call) -> Any:
    """A transfer to another number, which a user may interrupt."""
    action = transfer_call.TwilioTransferCall(
        transfer_call.TransferCallVocodeActionConfig(phone_number="+15550199")
    )
    action_input = action.create_phone_conversation_action_input(
        call.id, {}, twilio_sid=f"CA{call.name}"
    )
    success = call.random.random() < 0.6
    return action_input, transfer_call.TransferCallResponse(success=success), None, success, None


def press(call: Call) -> Any:
    """Tones; two such actions can be equal."""
    action = dtmf.VonageDTMF(dtmf.DTMFVocodeActionConfig())
    action_input = action.create_phone_conversation_action_input(
        call.id, {"buttons": call.random.choice(["1", "42#"])}, vonage_uuid=f"v-{call.name}"
    )
    return action_input, dtmf.DTMFResponse(success=True), None, True, None


def take_email(call: Call) -> Any:
    """An address is taken down, if it is one."""
    action = record_email.RecordEmail(record_email.RecordEmailVocodeActionConfig())
    success = call.random.random() < 0.5
    value = "kim@example.test" if success else "kim at example"
    params = {"descriptor": "address", "raw_value": "kim at example", "formatted_value": value}
    message = None if success else call.random.choice([None, "That is no address."])
    response = record_email.RecordEmailResponse(success=success, message=message)
    return action.create_action_input(call.id, params), response, None, success, message


def hold(call: Call) -> Any:
    """The bot waits."""
    action = wait.Wait(wait.WaitVocodeActionConfig())
    return (
        action.create_action_input(call.id, {}),
        wait.WaitResponse(success=True),
        None,
        True,
        None,
    )


def look_up(call: Call) -> Any:
    """An action whose output does not say whether it succeeded."""
    action_input = ActionInput(
        action_config=LookUpActionConfig(),
        conversation_id=call.id,
        params=LookUpParameters(name="Meier"),
    )
    return action_input, LookUpResponse(found=call.random.randint(0, 3)), None, None, None


def end(call: Call) -> Any:
    """The bot hangs up."""
    action = end_conversation.EndConversation(end_conversation.EndConversationVocodeActionConfig())
    success = call.random.random() < 0.7
    response = end_conversation.EndConversationResponse(success=success)
    return action.create_action_input(call.id, {}), response, None, success, None


ACTIONS = [external, external, external, press, take_email, hold, look_up]
