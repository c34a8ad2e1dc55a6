"""What `status` prints for people."""

from __future__ import annotations

from typing import Any

import click

from fluents_connector.printing import printable
from fluents_warehouse.tables import console


def show(state: dict[str, Any]) -> None:
    """Prints what `collect` of the command gives."""
    from rich.table import Table

    _show_steps(state["first_steps"])
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column()
    table.add_column(justify="right")
    table.add_column()
    parts = (
        ("loaded", "events in the warehouse"),
        ("duplicates", "repeat an event, counted once"),
        ("quarantined", "refused and kept: see `quarantine list`"),
        ("pending", "events for the next load"),
    )
    table.add_row("received", f"{state['received']:,}", "deliveries, of which")
    for name, meaning in parts:
        table.add_row(f"  {name}", f"{state[name]:,}", meaning)
    console().print(table)
    click.echo()
    click.echo(f"Receiver:       {_receiver(state['receiver'])}")
    age = state["oldest_pending_age_seconds"]
    click.echo(f"Oldest pending: {'none' if age is None else _duration(age)}")
    if state["redacted"]:
        click.echo(f"Redacted:       {state['redacted']:,} values (redact_fields)")
    for reason, refused in state["refused_requests"].items():
        click.echo(
            f"Not let in:     {refused['count']:,} {printable(reason)}, last {refused['last_at']}. "
            f"{refused['advice']}"
        )
    for one in state["newest_quarantined"]:
        click.echo(
            f"Quarantined:    {one['received_at']} {printable(one['reason'])}: "
            f"{printable(one['detail'])}"
        )
    click.echo(f"Last load:      {printable(_last_load(state['last_load']))}")
    click.echo(f"Buffer:         {printable(state['buffer']['path'])}")
    if durability := state["buffer"]["durability"]:
        click.echo(f"                {printable(durability)}")
    for error in state["model_errors"]:
        click.echo(f"Your model:     {printable(error)}")
    warehouse = state["warehouse"]
    click.echo(f"Warehouse:      {printable(_warehouse(warehouse))}")
    if published := warehouse["last_publish"]:
        click.echo(
            f"                {published['method']}: {published['bytes_written']:,} bytes "
            f"in {published['seconds']:.2f} s"
        )
    if warehouse["publish_waits"]:
        click.echo(f"                {printable(warehouse['publish_waits'])}")
    if warehouse["taken_back_at"]:
        click.echo(
            "                The loader's file was lost, and the published one taken back: "
            f"{warehouse['taken_back_at']}"
        )


def _show_steps(steps: list[dict[str, Any]]) -> None:
    """What is done, and how to do the rest; nothing once an event is loaded."""
    if not steps:
        return
    click.echo("To get the first event into the warehouse:")
    for step in steps:
        click.echo(f"  [{'x' if step['is_done'] else ' '}] {step['title']}")
        if not step["is_done"]:
            command = f" Run: fluents-warehouse {step['command']}" if step["command"] else ""
            click.echo(f"      {printable(step['how'])}{command}")
    click.echo()


def _receiver(receiver: dict[str, Any]) -> str:
    if receiver["listens"]:
        return f"listens on {receiver['address']}"
    elsewhere = ", or runs on other machines" if receiver["listens"] is None else ""
    return f"does not answer on {receiver['address']}{elsewhere}"


def _warehouse(warehouse: dict[str, Any]) -> str:
    if not warehouse["exists"]:
        return f"{warehouse['path']} (not there yet: run `load`)"
    if warehouse["error"]:
        return f"{warehouse['path']} cannot be read: {warehouse['error']}"
    since = warehouse["loaded_since"]
    waits = f"; loaded since, for the next publish: {since:,}" if since else ""
    return f"{warehouse['path']}, published {warehouse['published_at']}{waits}"


def _last_load(last: dict[str, Any] | None) -> str:
    if last is None:
        return "none yet"
    if not last["succeeded"]:
        return f"{last['finished_at']} failed: {last['error']}"
    return f"{last['finished_at']}, {last['deliveries']:,} deliveries in {last['seconds']:.1f} s"


def _duration(seconds: float) -> str:
    for limit, divisor, unit in ((120, 1, "s"), (7200, 60, "min"), (172800, 3600, "h")):
        if seconds < limit:
            return f"{seconds / divisor:.0f} {unit}"
    return f"{seconds / 86400:.0f} days"
