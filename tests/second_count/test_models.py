"""What the models say of an account is what a second count of `fluents.events` says."""

from __future__ import annotations

from tests.second_count import figures
from tests.second_count.account import GRAIN, Account, Cell, assert_same, counted, of_each
from tests.second_count.calls import Call

COLUMNS = "first_event_on, direction, webhook, agent"
DAYS = (1, 7, 28)


def test_each_kind_of_call_and_of_delivery_is_there(account: Account) -> None:
    outcomes = {call.outcome for call in account.calls}
    assert outcomes == {"human", "no_human", "did_not_connect", "connected", "unknown"}
    assert {call.direction for call in account.calls} == {"outbound", "inbound", "unknown"}
    assert {call.agent for call in account.calls} == {"Ada", "Ben", "Cleo", "Nadia", "unknown"}
    assert any(event.duplicate_of for event in account.events)


def test_outcome_and_reason_of_each_call(account: Account) -> None:
    def facts(calls: list[Call]) -> Cell:
        (call,) = calls
        inferred = None if call.outcome == "unknown" else call.is_inferred
        return call.outcome, inferred, call.reason

    query = """select call_id, outcome, is_outcome_inferred, did_not_connect_reason
        from analytics.call_summary"""
    assert_same(counted(account.cells("call_id"), facts), account.shown(query, 1))


def test_headline_by_day_direction_webhook_and_agent(account: Account) -> None:
    query = f"""select {COLUMNS}, figure, numerator, denominator from analytics.headline_daily"""
    second = of_each(account.cells(*GRAIN), figures.headline)
    assert_same(second, account.shown(query, 5))


def test_headline_beside_the_days_before(account: Account) -> None:
    second: dict[Cell, Cell] = {}
    for days in DAYS:
        span = figures.compared(account.calls, days)
        for name, now in span.now.items():
            before = (None, None, None)
            if span.before is not None:
                before = (*span.before[name], span.before[name].value)
            second[days, name] = (span.begins_on, span.ends_on, *now, now.value, *before)

    query = """select day_count, figure, begins_on, ends_on, numerator, denominator, value,
        previous_numerator, previous_denominator, previous_value
        from analytics.headline_comparison"""
    assert_same(second, account.shown(query, 2))


def test_calls_by_day_and_outcome(account: Account) -> None:
    def of_day(calls: list[Call]) -> Cell:
        found = [call.outcome for call in calls]
        inferred = sum(call.outcome == "human" and call.is_inferred for call in calls)
        connected = sum(call.is_connected for call in calls)
        of_outcome = map(found.count, ("did_not_connect", "human", "no_human", "unknown"))
        return len(calls), connected, inferred, *of_outcome

    query = f"""select {COLUMNS}, call_count, connected_count, inferred_human_count,
        did_not_connect_count, human_count, no_human_count, unknown_outcome_count
        from analytics.calls_daily"""
    assert_same(counted(account.cells(*GRAIN), of_day), account.shown(query, 4))


def test_funnel_with_what_is_not_known(account: Account) -> None:
    query = f"""select {COLUMNS}, stage, call_count, unknown_count, conversion_rate, attempted_rate
        from analytics.call_funnel"""
    assert_same(of_each(account.cells(*GRAIN), figures.funnel), account.shown(query, 5))


def test_answer_rates_by_weekday_and_hour(account: Account) -> None:
    cells = account.cells("weekday", "hour", "direction", "webhook", "agent")

    query = """select weekday, hour, direction, webhook, agent, call_count, human_count,
        no_human_count, did_not_connect_count, human_rate_of_calls from analytics.answer_rates"""
    assert_same(counted(cells, figures.answers), account.shown(query, 5))


def test_durations_by_day_and_outcome(account: Account) -> None:
    query = f"""select {COLUMNS}, outcome, timed_call_count, stated_duration_call_count,
        mean_duration_seconds, p50_duration_seconds, p95_duration_seconds
        from analytics.call_durations"""
    second = counted(account.cells(*GRAIN, "outcome"), figures.durations)
    assert_same(second, account.shown(query, 5))


def test_minutes_and_cost_by_day(account: Account) -> None:
    second = counted(account.cells(*GRAIN), lambda calls: tuple(figures.talk(calls).values()))

    query = f"select {COLUMNS}, {', '.join(figures.talk([]))} from analytics.minutes_daily"
    assert_same(second, account.shown(query, 4))


def test_accepted_deliveries_by_hour(account: Account) -> None:
    query = """select epoch(received_hour) // 3600, webhook, event_count, duplicate_count
        from analytics.delivery_health"""
    assert_same(figures.deliveries(account.events), account.shown(query, 2))
