from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from fluents_connector.buffer import Batch, StoredDelivery
from fluents_connector.delivery import Delivery
from fluents_connector.settings.payload_fields import PAYLOAD_FIELDS
from fluents_pipelines.normalize import Normalizer
from fluents_pipelines.sql_files import read_folder, references, sql_folder
from fluents_pipelines.tables import BY_NAME, CALLS, NORMALIZED
from tests.deliveries import START, body, delivery


def batch(*deliveries: Delivery) -> Batch:
    rows = [
        StoredDelivery(
            position,
            one.event_id,
            one.received_at,
            one.webhook,
            one.call_id,
            one.type,
            one.body,
            None,
            one.reason,
            one.detail,
            one.redacted,
        )
        for position, one in enumerate(deliveries, 1)
    ]
    return Batch("buffer", 0, len(rows), rows)


@pytest.fixture(scope="module")
def normalizer() -> Any:
    with Normalizer(PAYLOAD_FIELDS) as normalizer:
        yield normalizer


def test_every_table_has_its_declared_columns_also_without_rows(normalizer: Normalizer) -> None:
    tables = normalizer.tables(batch())
    for table in NORMALIZED:
        assert tables[table.name].schema == table.arrow_schema
        assert tables[table.name].num_rows == 0


def test_a_table_that_is_left_out_for_its_event_type_selects_no_other() -> None:
    for file in read_folder(sql_folder() / "tables"):
        stated = re.findall(r"\bwhere type (?:=|in) \(?('\w+'(?:, '\w+')*)", file.sql)
        types = [tuple(re.findall(r"\w+", names)) for names in stated]
        wanted = BY_NAME[file.name].event_types if "events" in references(file) else ()
        assert types == [wanted] * bool(wanted)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from([name for names in PAYLOAD_FIELDS.values() for name in names])
            | st.text(max_size=8),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
types = st.sampled_from(
    [
        "event_message",
        "event_action",
        "event_transcript",
        "event_error",
        "event_recording",
        "event_human_detection",
        "event_phone_call_did_not_connect",
        "event_phone_call_connected",
        "event_phone_call_ended",
        "event_post_call_processing_completed",
        "event_unheard_of",
    ]
)


@pytest.mark.attack
@hypothesis_settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(types, json_values, json_values), min_size=1, max_size=6))
def test_no_payload_loses_an_event_or_stops_a_batch(
    normalizer: Normalizer, events: list[tuple[str, Any, Any]]
) -> None:
    deliveries = [
        delivery(body(type_, payload, from_number=other, is_outgoing=other), received_at=START + n)
        for n, (type_, payload, other) in enumerate(events)
    ]
    tables = normalizer.tables(batch(*deliveries))
    accepted = [one.event_id for one in deliveries if one.reason is None]
    assert sorted(tables["events"]["event_id"].to_pylist()) == sorted(accepted)
    assert tables["quarantine"].num_rows == len(deliveries) - len(accepted)
    unreadable = [extra for extra in tables["events"]["extra"].to_pylist() if extra == "body"]
    assert unreadable == []


def test_half_a_surrogate_pair_becomes_a_replacement_character_and_nothing_else_changes(
    normalizer: Normalizer,
) -> None:
    content = (
        b'{"call_id":"c","type":"event_error",'
        b'"payload":"\\ud83d \\\\ud83d \\ud83d\\ude00 \\udE00 \\u00e9 \\n"}'
    )
    tables = normalizer.tables(batch(delivery(content)))
    assert tables["errors"]["message"].to_pylist() == ["\ufffd \\ud83d \U0001f600 \ufffd é \n"]


def test_a_body_that_the_sql_cannot_take_is_kept_as_text_and_the_others_are_loaded(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "tables"
    shutil.copytree(sql_folder() / "tables", folder)
    errors = folder / "errors.sql"
    errors.write_text(
        errors.read_text().replace(
            "'event_error' and",
            "'event_error' and (payload is distinct from '\"boom\"' or error('boom')) and",
        )
    )
    good = [delivery(body("event_error", f"e{n}"), received_at=START + n) for n in range(20)]
    bad = delivery(body("event_error", "boom"), received_at=START + 99)
    with Normalizer(PAYLOAD_FIELDS, folder=folder) as normalizer:
        tables = normalizer.tables(batch(*good[:7], bad, *good[7:]))
    assert tables["events"].num_rows == 21
    kept = dict(
        zip(
            tables["events"]["event_id"].to_pylist(),
            tables["events"]["extra"].to_pylist(),
            strict=True,
        )
    )
    assert "boom" in str(kept.pop(bad.event_id))
    assert set(kept.values()) == {None}
    messages = tables["errors"]["message"].to_pylist()
    assert sorted(message for message in messages if message) == sorted(f"e{n}" for n in range(20))


def test_names_from_the_settings_are_looked_for_first() -> None:
    fields = {**PAYLOAD_FIELDS, "transcript": ["deep.er", 'odd"name', "transcript"]}
    with Normalizer(fields) as normalizer:
        tables = normalizer.tables(
            batch(
                delivery(body("event_transcript", {"deep": {"er": "one"}, "transcript": "no"})),
                delivery(body("event_transcript", {'odd"name': "two"}), bits=1),
                delivery(body("event_transcript", {"transcript": "three"}), bits=2),
            )
        )
    assert tables["transcripts"]["transcript"].to_pylist() == ["one", "two", "three"]


facts = st.fixed_dictionaries(
    {
        "type": types,
        "payload": st.sampled_from(
            [
                None,
                {"telephony_status": "busy", "result": "human", "recording_url": "https://a"},
                {"telephony_status": "failed", "result": "no_human", "recording_url": "https://b"},
            ]
        ),
        "call_id": st.sampled_from(["a", "b", "c"]),
        "from_number": st.sampled_from([None, "+1", "+2"]),
        "is_outgoing": st.sampled_from([None, True, False]),
    }
)


@pytest.mark.attack
@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(facts, min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_calls_do_not_depend_on_order_batches_or_repetition(
    normalizer: Normalizer, events: list[dict[str, Any]], random: Any
) -> None:
    deliveries = [
        # equal times now and then, so that the id has to decide
        delivery(
            body(event.pop("type"), event.pop("payload"), **event),
            received_at=START + n // 2 * 1_000_000,
            bits=n * 7919 % 13,
            webhook=f"hook-{n % 3}",
        )
        for n, event in enumerate(map(dict, events))
    ]
    at_once = normalizer.tables(batch(*deliveries))["calls"]
    shuffled = deliveries + random.sample(deliveries, k=len(deliveries) // 2)
    random.shuffle(shuffled)
    known = CALLS.arrow_schema.empty_table()
    while shuffled:
        size = random.randint(1, len(shuffled))
        part, shuffled = shuffled[:size], shuffled[size:]

        def touched(ids: pa.Table, known: pa.Table = known) -> pa.Table:
            wanted = set(ids["call_id"].to_pylist())
            rows = [row for row in known.to_pylist() if row["call_id"] in wanted]
            return pa.Table.from_pylist(rows, schema=CALLS.arrow_schema)

        tables = normalizer.tables(batch(*part))
        folded = normalizer.with_known(tables, touched(tables["calls"]))
        merged = {row["call_id"]: row for row in [*known.to_pylist(), *folded.to_pylist()]}
        known = pa.Table.from_pylist(list(merged.values()), schema=CALLS.arrow_schema)
    assert by_call(known) == by_call(at_once)


@pytest.mark.attack
@pytest.mark.parametrize("known_number", [1, 8])
def test_known_calls_that_need_too_much_memory_are_folded_in_parts(known_number: int) -> None:
    texts = [f"{number}" * 6_000_000 for number in range(known_number)]
    before = [
        delivery(body("event_phone_call_did_not_connect", text, call_id=f"c{number}"), bits=number)
        for number, text in enumerate(texts)
    ]
    ended = [
        delivery(body("event_phone_call_ended", call_id=f"c{number}"), received_at=START + 9)
        for number in range(known_number + 1)  # one that is not known
    ]
    with Normalizer(PAYLOAD_FIELDS, memory_limit="4GB") as normalizer:
        known = normalizer.tables(batch(*before))["calls"]
        expected = by_call(normalizer.tables(batch(*before, *ended))["calls"])
        tables = normalizer.tables(batch(*ended))
    with Normalizer(PAYLOAD_FIELDS, memory_limit="20MB") as normalizer:
        assert by_call(normalizer.with_known(tables, known)) == expected
    assert [row["did_not_connect_reason"] for row in expected] == [*texts, None]


def by_call(calls: pa.Table) -> list[dict[str, Any]]:
    return sorted(calls.to_pylist(), key=lambda row: str(row["call_id"]))
