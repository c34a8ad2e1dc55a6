"""Declares the settings: the name, type, limits, default and description of each.

A `Settings` object is immutable, can be pickled (the server's workers get it from their parent) and
shows no secret in its representation.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, Field, FiniteFloat, IPvAnyNetwork

from fluents_connector.addresses import in_url
from fluents_connector.settings.alert_limits import AlertLimit
from fluents_connector.settings.checks import Checks
from fluents_connector.settings.payload_fields import PAYLOAD_FIELDS, SECRET_FIELDS
from fluents_connector.settings.secret_values import (
    HeaderName,
    Secrets,
    SecretUrl,
    Token,
    Tokens,
)

MAX_DAYS = 36_500  # a hundred years
MAX_BYTES = 1024**5  # a pebibyte


class Settings(Checks):
    """All settings. `fluents-warehouse init` writes a file with those that people change."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,  # an input may be a token
    )

    host: str = Field("127.0.0.1", description="Address that the receiver listens on.")
    port: int = Field(8080, ge=1, le=65535, description="Port that the receiver listens on.")
    public_url: str = Field(
        "", description="Base URL under which Fluents reaches the receiver; for what init prints."
    )
    workers: int = Field(2, ge=1, le=64, description="Receiver processes.")
    threads: int = Field(
        128, ge=1, le=512, description="Threads of each process, for large bodies and pages."
    )
    max_body_bytes: int = Field(
        10 * 1024**2, ge=1024, le=256 * 1024**2, description="Larger bodies are answered with 413."
    )
    request_seconds: float = Field(
        30,
        ge=0.1,
        le=3600,
        description="A request's body must come in this time, after its headers.",
    )
    header_seconds: float = Field(
        10,
        ge=0.1,
        le=3600,
        description="A request's headers must come in this time; idle connections are closed then.",
    )
    allowed_networks: list[IPvAnyNetwork] = Field(
        [], description="Senders outside get a 404; empty lets every address in."
    )
    metrics_networks: list[IPvAnyNetwork] = Field(
        ["127.0.0.0/8", "::1/128"],  # pydantic converts defaults that it validates
        validate_default=True,
        description="Who may read /metrics.",
    )
    trusted_proxies: int = Field(
        0, ge=0, le=8, description="Proxies in front whose X-Forwarded-For entry is believed."
    )
    webhooks: dict[str, Tokens] = Field(
        {}, description="Label = token, or [new token, old token] while one is being replaced."
    )

    gateway_header: HeaderName = Field(
        "", description="Header in which a gateway in front sends gateway_secret."
    )
    gateway_secret: Secrets = Field(
        [],
        validate_default=True,
        description="Value of gateway_header, or [new value, old value]; without it a 404.",
    )
    hmac_header: HeaderName = Field(
        "", description="Header in which a gateway sends the body's HMAC-SHA256."
    )
    hmac_secret: Secrets = Field(
        [],
        validate_default=True,
        description="Key of that HMAC, or [new key, old key]; a wrong one gets a 404.",
    )

    redact_fields: list[str] = Field(
        list(SECRET_FIELDS),
        description="Fields of which values are replaced before a body is stored; [] for none.",
    )

    id_header: HeaderName = Field(
        "", description="Header in which a gateway gives each event an id, such as webhook-id."
    )
    tls_certificate: Path | None = Field(
        None, description="File of the certificate, and what it builds on, to receive over HTTPS."
    )
    tls_key: Path | None = Field(
        None, validate_default=True, description="File of the private key of tls_certificate."
    )

    data_dir: Path = Field(
        Path(".fluents"), description="The connector's own files: buffer, loader, logs of loads."
    )
    buffer_url: str = Field(
        "",
        repr=False,  # it may hold a password
        description="The staging buffer: sqlite:///buffer.sqlite, with sqlite://// for a path from "
        "the root; or postgresql://user@host/database.",
    )
    buffer_path: Path | None = Field(
        None,
        validate_default=True,
        description="The same as a plain path; buffer.sqlite in data_dir where neither is set.",
    )
    buffer_schema: str = Field(
        "fluents_buffer",
        pattern=r"^[a-z_][a-z0-9_]{0,62}$",
        description="The schema of a buffer in Postgres, which it has to itself.",
    )
    require_replicas: int = Field(
        0,
        ge=0,
        le=16,
        description="Acknowledge only what so many standbys of the Postgres server have on disk.",
    )
    buffer_keep_days: float = Field(
        7,
        ge=0,
        le=MAX_DAYS,
        description="How long loaded events stay, and equal bodies count as duplicates.",
    )
    buffer_max_rows: int | None = Field(
        None,
        ge=1,
        le=10**12,
        description="Refuse more with 503 while so many deliveries wait for a load.",
    )
    buffer_max_bytes: int | None = Field(
        None,
        ge=1024**2,
        le=MAX_BYTES,
        description="Refuse more with 503 while so much waits for a load.",
    )
    buffer_max_age_hours: float | None = Field(
        None,
        gt=0,
        le=MAX_DAYS * 24,
        description="Refuse more with 503 while one waits so long for a load.",
    )
    quarantine_keep_days: float = Field(
        90, ge=0, le=MAX_DAYS, description="How long refused deliveries stay in the buffer."
    )
    quarantine_max_bytes: int = Field(
        1024**3,
        ge=0,
        le=MAX_BYTES,
        description="Most bytes of refused bodies in the buffer; beyond it the next is recorded "
        "without its body.",
    )
    warehouse_path: Path = Field(
        Path("fluents_warehouse.duckdb"),
        description="The published warehouse, which readers open.",
    )
    warehouse_group: str = Field(
        "", description="Group of the system that may read the published warehouse too."
    )
    publish_share: float = Field(
        0.5,
        gt=0,
        le=1,
        description="Most of its time that a loader which loads again and again spends on copying "
        "the warehouse for readers, such as 0.5 for half.",
    )
    publish_method: Literal["auto", "whole_copy"] = Field(
        "auto",
        description="auto, or whole_copy: for readers that reach the folder of the warehouse "
        "through a network or from another system.",
    )
    batch_rows: int = Field(
        50_000, ge=1, le=1_000_000, description="Most deliveries loaded at once."
    )
    batch_bytes: int = Field(
        64 * 1024**2, ge=1, le=1024**3, description="Most bytes of bodies loaded at once."
    )
    memory_limit: str = Field(
        "256MB",
        pattern=r"^[1-9]\d*(\.\d+)? ?([MGT]i?B)$",
        description="Memory of each DuckDB engine, the loader's two and that of `run --sql`, such "
        "as 256MB or 2GiB; beyond it they spill to disk.",
    )
    disk_reserve_bytes: int = Field(
        1024**3,
        ge=0,
        le=MAX_BYTES,
        description="Room that the loader leaves free on a disk, for what the receiver stores.",
    )
    fields: dict[str, list[str]] = Field(
        {}, description="Payload names to look for before the built-in ones."
    )
    post_call_columns: dict[str, Literal["text", "number", "boolean"]] = Field(
        {}, description="Fields of post-call results that post_call_wide has as columns = type."
    )
    time_zone: str = Field(
        "UTC", description="Time zone of days, weekdays and hours in models, such as Europe/Berlin."
    )
    agents: dict[str, str] = Field(
        {}, description="Own number, or label of a webhook = name of the agent that it belongs to."
    )
    cost_per_minute: dict[str, FiniteFloat] = Field(
        {},
        description="Name of an agent, inbound, outbound or default = price of a minute of a call.",
    )
    models_dir: Path | None = Field(
        None, description="Folder of your own models, one SELECT a .sql file; checks/ in it."
    )
    alerts: dict[str, AlertLimit] = Field(
        {}, description="Limits of alerts by their names, or false to switch an alert off."
    )
    alerts_dir: Path | None = Field(
        None, description="Folder of your own alerts, one SELECT a .sql file."
    )
    alerts_url: SecretUrl | None = Field(
        None, description="Where findings are posted to as JSON; a secret, as it may hold a token."
    )
    sql_host: str = Field("127.0.0.1", description="Address that `run --sql` listens on.")
    sql_port: int = Field(9494, ge=1, le=65535, description="Port that `run --sql` listens on.")
    sql_token: Token | None = Field(
        None, description="What DuckDB clients prove themselves with to `run --sql`."
    )
    dashboard_host: str = Field("127.0.0.1", description="Address that the dashboard listens on.")
    dashboard_port: int = Field(
        2718, ge=1, le=65535, description="Port that the dashboard listens on."
    )
    dashboard_url: str = Field(
        "", description="Base URL under which visitors open the dashboard, behind a proxy say."
    )
    dashboard_token: Token | None = Field(
        None, description="What lets visitors into the dashboard; without it each start makes one."
    )
    dashboard_user_header: HeaderName = Field(
        "",
        description="Header in which a proxy that authenticates people, and sends dashboard_token "
        "as a bearer token, names the visitor.",
    )
    log_format: str = Field(
        "auto",
        pattern="^(auto|text|json)$",
        description="text, json, or auto: text on a terminal.",
    )

    @property
    def buffer_scheme(self) -> str:
        """Which engine keeps the staging buffer: one of `settings.checks.BUFFER_SCHEMES`."""
        return self.buffer_url.partition(":")[0] or "sqlite"

    @property
    def buffer_file(self) -> Path:
        """The path of the staging buffer, if SQLite keeps it."""
        return self.buffer_path or self.data_dir / "buffer.sqlite"

    @property
    def address(self) -> str:
        """The base URL of the address that the receiver listens on."""
        scheme = "https" if self.tls_certificate else "http"
        return f"{scheme}://{in_url(self.host)}:{self.port}"

    @property
    def sql_uri(self) -> str:
        """Where `run --sql` listens, as Quack writes it."""
        host = "localhost" if self.sql_host == "127.0.0.1" else in_url(self.sql_host)
        return f"quack:{host}:{self.sql_port}"

    @property
    def payload_fields(self) -> dict[str, list[str]]:
        """For each fact the names of the fields that may hold it, those of `fields` first."""
        return {
            fact: list(dict.fromkeys([*self.fields.get(fact, []), *names]))
            for fact, names in PAYLOAD_FIELDS.items()
        }
