"""The dashboard, a marimo application: `fluents-warehouse dashboard` opens it.

It reads the published warehouse named by FLUENTS_WAREHOUSE_PATH, and nothing else. `chosen`
keeps what the visitor chose, so that a refresh, which makes the controls anew, keeps it too.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="full", app_title="Fluents calls", css_file="dashboard_parts/style.css")


@app.cell
def setup():
    import datetime
    import os
    from pathlib import Path

    import marimo as mo
    from dashboard_parts import call, charts, overview, quality, results, tables
    from dashboard_parts.snapshot import NoWarehouse, Snapshot

    path = Path(os.environ.get("FLUENTS_WAREHOUSE_PATH", "fluents_warehouse.duckdb"))
    chosen = {}
    PAGE_ROWS = 15
    return (
        NoWarehouse,
        PAGE_ROWS,
        Snapshot,
        call,
        charts,
        chosen,
        datetime,
        mo,
        overview,
        path,
        quality,
        results,
        tables,
    )


@app.cell
def refresh_control(mo):
    refresh = mo.ui.refresh(options=["10s", "1m", "10m"], label="Refresh")
    return (refresh,)


@app.cell
def open_snapshot(NoWarehouse, Snapshot, mo, path, refresh, tables):
    refresh.value
    snapshot, _why = None, ""
    try:
        snapshot = Snapshot(path)
    except NoWarehouse as error:
        _why = str(error)
    mo.stop(snapshot is None, mo.vstack([tables.heading("No warehouse yet", _why), refresh]))
    extent = snapshot.row("extent")
    return extent, snapshot


@app.cell
def filters(chosen, datetime, extent, mo, refresh, tables):
    _today = datetime.datetime.now(datetime.UTC).date()
    whole = (extent["first_day"] or _today, extent["last_day"] or _today)
    labels = extent["webhooks"] or []
    days = mo.ui.date_range(
        start=whole[0], stop=whole[1], value=chosen.get("days", whole), label="Days (UTC)"
    )
    label = tables.one_of(labels, chosen.get("label"), "Webhook")
    direction = tables.one_of(
        ["outbound", "inbound", "unknown"], chosen.get("direction"), "Direction"
    )
    section = mo.ui.tabs(
        dict.fromkeys(("Overview", "Calls", "Results", "Quality"), ""),
        value=chosen.get("section", "Overview"),
    )
    mo.vstack(
        [
            tables.heading("Fluents calls"),
            tables.note(
                f"Received up to {extent['last_received_at'] or 'now: nothing'} UTC, "
                f"loaded {extent['last_loaded_at'] or 'never'} UTC."
                if extent["last_received_at"]
                else "Nothing has been received yet."
            ),
            mo.hstack([days, label, direction, refresh], wrap=True, justify="start", gap=1.5),
            section,
        ]
    )
    return days, direction, label, section, whole


@app.cell
def remember(chosen, datetime, days, direction, label, section, whole):
    # all days stay all days when a refresh brings a new one
    chosen.pop("days", None)
    if days.value != whole:
        chosen["days"] = days.value
    chosen.update(label=label.value, direction=direction.value, section=section.value)
    shown = {
        "from_at": f"{days.value[0]} 00:00:00+00",
        "until_at": f"{days.value[1] + datetime.timedelta(days=1)} 00:00:00+00",
        "webhook": label.value,
        "direction": direction.value,
    }
    return (shown,)


@app.cell
def show_overview(mo, overview, section, shown, snapshot):
    mo.stop(section.value != "Overview")
    overview.overview(snapshot, shown)
    return


@app.cell
def call_filters(charts, chosen, mo, section, snapshot, tables):
    mo.stop(section.value != "Calls")
    snapshot
    outcome = tables.one_of(charts.OUTCOMES, chosen.get("outcome"), "Outcome")
    only_errors = mo.ui.checkbox(value=chosen.get("only_errors", False), label="Only with errors")
    search = mo.ui.text(
        value=chosen.get("search", ""), label="Call id or number contains", debounce=300
    )
    mo.hstack([outcome, search, only_errors], wrap=True, justify="start", gap=1.5)
    return only_errors, outcome, search


@app.cell
def call_pages(PAGE_ROWS, chosen, mo, only_errors, outcome, search, shown, snapshot, tables):
    picked = {"outcome": outcome.value, "only_errors": only_errors.value, "search": search.value}
    chosen.update(picked)
    found = snapshot.row("call_count", **shown, **picked)["call_count"]
    mo.stop(found == 0, tables.note("No calls in what is chosen."))
    pages = -(-found // PAGE_ROWS)
    page = mo.ui.number(
        start=1, stop=pages, value=min(chosen.get("page", 1), pages), label=f"Page of {pages:,}"
    )
    mo.hstack([tables.note(f"Calls found: {found:,}, newest first. Pick one."), page], wrap=True)
    return page, picked


@app.cell
def call_list(PAGE_ROWS, chosen, mo, page, picked, shown, snapshot, tables):
    chosen["page"] = page.value
    calls = snapshot.rows(
        "call_page", **shown, **picked, rows=PAGE_ROWS, skip=(page.value - 1) * PAGE_ROWS
    )
    _ids = [row["call_id"] for row in calls]
    picker = mo.ui.table(
        [
            {
                "": place,
                "Began (UTC)": row["began_at"],
                "Direction": row["direction"],
                "Outcome": row["outcome"],
                "Contact": tables.cell(row["contact"]),
                "Duration": tables.seconds(row["duration_seconds"]),
                "Human turns": tables.text(row["human_turn_count"]),
                "Error": "yes" if row["has_error"] else "",
                "Call": tables.cell(row["call_id"]),
            }
            for place, row in enumerate(calls, 1)
        ],
        selection="single",
        initial_selection=[_ids.index(chosen["call_id"])]
        if chosen.get("call_id") in _ids
        else None,
        pagination=False,
        show_search=False,
        show_download=False,
        show_column_summaries=False,
        show_data_types=False,
    )
    picker
    return calls, picker


@app.cell
def show_call(call, calls, chosen, mo, picker, snapshot):
    if picker.value:
        chosen["call_id"] = calls[picker.value[0][""] - 1]["call_id"]
    mo.stop("call_id" not in chosen)
    call.call(snapshot, chosen["call_id"])
    return


@app.cell
def show_result_fields(chosen, mo, results, section, shown, snapshot, tables):
    mo.stop(section.value != "Results")
    fields = snapshot.rows("result_fields", **shown, rows=200)
    mo.stop(not fields, tables.note("No post-call result that is JSON in what is chosen."))
    paths = [row["path"] for row in fields]
    field = mo.ui.dropdown(
        paths,
        value=chosen["path"] if chosen.get("path") in paths else paths[0],
        allow_select_none=False,
        label="Field",
    )
    mo.vstack([results.result_fields(fields), field])
    return (field,)


@app.cell
def show_result_values(chosen, field, results, shown, snapshot):
    chosen["path"] = field.value
    results.result_values(snapshot, shown, field.value)
    return


@app.cell
def show_quality(mo, quality, section, shown, snapshot):
    mo.stop(section.value != "Quality")
    quality.quality(snapshot, shown)
    return


if __name__ == "__main__":
    app.run()
