"""`init`: a settings file with a fresh secret, and the URL to paste into Fluents."""

from __future__ import annotations

import os
import secrets
from ipaddress import ip_address
from pathlib import Path

import click

from fluents_connector.errors import SettingsError
from fluents_connector.settings import (
    CONFIG_FILE,
    WEBHOOK_PATH,
    Settings,
    load_settings,
    webhooks_are_in_the_environment,
)
from fluents_connector.settings.checks import LABEL

_TEMPLATE = """\
# Settings of fluents-warehouse. This file holds secrets: keep it out of version control.
# Each key can be overridden in the environment: FLUENTS_PORT=9000, FLUENTS_WEBHOOKS__MAIN=…

host = "{host}"              # where the receiver listens
port = {port}
# public_url = "https://example.com"   # what Fluents reaches; in front of the receiver
# allowed_networks = ["203.0.113.0/24"]  # senders outside get a 404
# trusted_proxies = 1               # proxies in front that set X-Forwarded-For
# gateway_header = "X-Gateway-Secret"  # what your gateway adds, with gateway_secret = "…"

warehouse_path = "fluents_warehouse.duckdb"   # open this in notebooks and BI
# data_dir = ".fluents"             # the connector's own files
# models_dir = "models"             # your own models: one SELECT a .sql file
# time_zone = "Europe/Berlin"       # of days and hours in models; UTC if left away
# alerts_dir = "alerts"             # your own alerts: one SELECT a .sql file
# alerts_url = "https://…"          # where `run` posts what alerts find, such as Slack's webhooks
# buffer_keep_days = 7              # how long equal deliveries are recognised

sql_token = "{sql_token}"   # for DuckDB clients of `run --sql`
# sql_host = "127.0.0.1"
# sql_port = 9494

dashboard_token = "{dashboard_token}"   # for visitors of the dashboard
# dashboard_port = 2718

# One line a webhook: a label and its secret token. While you replace a token, give both:
# {label} = ["<new token>", "<old token>"]
[webhooks]
{label} = "{token}"

# Names of your agents, by own number or by label of a webhook, and what a minute costs:
# [agents]
# "+14155550100" = "Reception"
# [cost_per_minute]
# default = 0.12

# Names to look for in payloads before the built-in ones, for example:
# [fields]
# post_call = ["my_analysis"]

# Fields of post-call results that analytics.post_call_wide has as columns, for example:
# [post_call_columns]
# score = "number"                  # or "text", "boolean"; "details.sold" is a field of a field
"""


@click.command()
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    default=CONFIG_FILE,
    show_default=True,
    help="The settings file to write.",
)
@click.option("--label", default="main", show_default=True, help="Name of the first webhook.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65535))
def init(config: Path, label: str, host: str, port: int) -> None:
    """Write fluents.toml with a fresh secret, and print the URL to paste into Fluents.

    An existing file is not changed: its URLs are printed again. Where the environment sets the
    webhooks, no file is written.
    """
    if not LABEL.fullmatch(label):
        raise click.BadParameter("a label may only hold a-z 0-9 - _", param_hint="--label")
    try:
        ip_address(host)
    except ValueError:
        raise click.BadParameter("write an IP address", param_hint="--host") from None
    if config.exists():
        click.echo(f"{config} is there already and was not changed.")
    elif webhooks_are_in_the_environment():
        click.echo("The webhooks are set in the environment, so no file was written.")
    else:
        write_settings(config, label=label, host=host, port=port)
        click.echo(f"Wrote {config}. It holds a secret: keep it out of version control.")
    settings = load_settings(config if config.exists() else None)
    if not settings.webhooks:
        raise SettingsError(
            f"{config} has no webhook. Below [webhooks] write a line such as main = "
            '"<token>", with a token of at least 24 characters.'
        )
    click.echo("\nPaste into Fluents (Webhooks, Create Webhook, URL):")
    for name, url in webhook_urls(settings):
        click.echo(f"  {name}: {url}")
    if settings.sql_token:
        click.echo("\nIn DuckDB, beside `fluents-warehouse run --sql`:")
        token = settings.sql_token.get_secret_value()
        uri = settings.sql_uri
        if ip_address(settings.sql_host).is_unspecified:  # which clients cannot connect to
            uri = f"quack:<this host>:{settings.sql_port}"
        click.echo(f"  ATTACH '{uri}' AS warehouse (TOKEN '{token}');")
    click.echo("\nNext: fluents-warehouse run")


def write_settings(config: Path, *, label: str, host: str, port: int) -> None:
    """Writes a new settings file, readable by its owner only. Raises `SettingsError`."""
    text = _TEMPLATE.format(
        host=host,
        port=port,
        label=label,
        token=secrets.token_urlsafe(32),
        sql_token=secrets.token_urlsafe(32),
        dashboard_token=secrets.token_urlsafe(32),
    )
    write_privately(config, text)


def write_privately(config: Path, text: str) -> None:
    """Writes a new file, readable by its owner only. Raises `SettingsError`."""
    try:
        descriptor = os.open(config, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise SettingsError(f"{config} cannot be written: {error.strerror}.") from error


def webhook_urls(settings: Settings) -> list[tuple[str, str]]:
    """For each webhook its label and the URL with its (newest) token: a secret."""
    base = settings.public_url.rstrip("/") or settings.address
    return [
        (label, f"{base}{WEBHOOK_PATH}{tokens[0].get_secret_value()}")
        for label, tokens in settings.webhooks.items()
    ]
