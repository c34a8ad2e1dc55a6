"""`send`: posts recorded bodies, to try a receiver or to deliver again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import click

from fluents_connector.errors import SettingsError
from fluents_connector.printing import printable
from fluents_warehouse.commands.init import webhook_urls
from fluents_warehouse.options import config_option


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option("--webhook", help="Label of the webhook to send to; the first where not given.")
@click.option("--url", help="Send to this URL instead of the receiver of the settings.")
@click.option("--connections", default=4, show_default=True, type=click.IntRange(1, 64))
@config_option
def send(
    file: BinaryIO, webhook: str | None, url: str | None, connections: int, config: Path | None
) -> None:
    """Post the bodies in FILE to a receiver; - reads standard input.

    FILE holds one JSON body, a list of them, or one on each line.
    """
    from fluents_connector.receiver.gateway import Gateway
    from fluents_connector.sender import send as send_bodies
    from fluents_connector.settings import load_settings

    # only the receiver of the settings may get the gateway's secrets
    gateway = Gateway() if url else Gateway.of(load_settings(config))
    result = send_bodies(
        _bodies(file.read()),
        url or _webhook_url(webhook, config),
        connections=connections,
        headers=gateway.proof,
    )
    answers = ", ".join(f"{count:,} {word}" for word, count in sorted(result.answers.items()))
    click.echo(f"Sent {result.answers.total():,}: {printable(answers) or 'nothing'}.")
    for refusal in result.refusals:
        click.echo(f"  refused with {printable(refusal)}", err=True)
    if result.answers["refused"]:
        raise click.exceptions.Exit(1)


def _webhook_url(webhook: str | None, config: Path | None) -> str:
    from fluents_connector.settings import load_settings

    # the address that the receiver listens on: a public URL may lead through the internet
    settings = load_settings(config).model_copy(update={"public_url": ""})
    urls = dict(webhook_urls(settings))
    if webhook is None and urls:
        return next(iter(urls.values()))
    if webhook not in urls:
        labels = ", ".join(urls) or "none"
        raise SettingsError(f"There is no webhook {webhook or ''!r}. The settings have: {labels}.")
    return urls[webhook]


def _bodies(content: bytes) -> Iterator[bytes]:
    """The items if `content` is a JSON list, itself if it is other JSON, or else its lines."""
    try:
        whole = json.loads(content)
    except (ValueError, RecursionError):
        yield from (line for line in content.splitlines() if line.strip())
        return
    if isinstance(whole, list):
        yield from (json.dumps(item, ensure_ascii=False).encode() for item in whole)
    else:
        yield content
