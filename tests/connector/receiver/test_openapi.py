"""The receiver does what its OpenAPI description says, whatever schemathesis makes of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import version
from importlib.resources import files

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck
from hypothesis import settings as with_settings
from schemathesis.checks import CHECKS, load_all_checks

from fluents_connector import __version__
from tests.deliveries import TOKEN
from tests.processes import Receiver

pytestmark = pytest.mark.attack

DESCRIPTION = json.loads((files("fluents_connector.receiver") / "openapi.json").read_bytes())
DESCRIPTION["info"]["version"] = __version__
bounded = with_settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
load_all_checks()
schema = schemathesis.openapi.from_dict(DESCRIPTION)


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    with Receiver(tmp_path_factory.mktemp("described"), workers=1) as running:
        yield running


@schema.parametrize()
@bounded
def test_every_answer_is_as_described(case: schemathesis.Case, receiver: Receiver) -> None:
    if case.path_parameters and "token" in case.path_parameters:
        case.path_parameters["token"] = TOKEN
    case.headers.pop("Content-Encoding", None)  # the bodies made here are not packed
    case.call_and_validate(base_url=receiver.base, checks=CHECKS.get_all())


@schema.include(operation_id="deliver").parametrize()
@bounded
def test_without_the_token_every_answer_is_404(case: schemathesis.Case, receiver: Receiver) -> None:
    assert case.call(base_url=receiver.base).status_code in (404, 405)


def test_the_receiver_serves_the_description_of_this_version(receiver: Receiver) -> None:
    answer = requests.get(f"{receiver.base}/openapi.json", timeout=30)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == DESCRIPTION
    assert __version__ == version("fluents-warehouse")
    assert TOKEN not in answer.text
