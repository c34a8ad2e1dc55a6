"""Settings: `fluents.toml`, each key overridden by `FLUENTS_<KEY>` in the environment.

They are checked once, at start. A `Settings` object is immutable, picklable (server workers
get it from their parent) and never shows a token in its representation.
"""

from __future__ import annotations

import grp
import os
import re
import sys
import tomllib
from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal, get_origin
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    IPvAnyNetwork,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from connector.environment import from_environment, meant, shown
from connector.errors import SettingsError
from connector.payload_fields import PAYLOAD_FIELDS, SECRET_FIELDS, wrong_path
from connector.secret_values import HeaderName, Secrets, Token, Tokens

CONFIG_FILE = "fluents.toml"
WARNED = "_FLUENTS_WARNED"  # a parent process has warned of unknown variables
FIELD_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")
MAX_DAYS = 36_500  # a hundred years
MAX_BYTES = 1024**5  # a pebibyte
MAX_NAMES = 100  # of one fact in [fields]
MAX_COLUMNS = 500  # in [post_call_columns]
LABEL = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


class Settings(BaseModel):
    """All settings. `connector/cli/init.py` writes a file with those that people change."""

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
    buffer_path: Path | None = Field(
        None, description="The staging buffer; buffer.sqlite in data_dir where not set."
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
    models_dir: Path | None = Field(
        None, description="Folder of your own models, one SELECT a .sql file; checks/ in it."
    )
    sql_host: str = Field("127.0.0.1", description="Address that `run --sql` listens on.")
    sql_port: int = Field(9494, ge=1, le=65535, description="Port that `run --sql` listens on.")
    sql_token: Token | None = Field(
        None, description="What DuckDB clients prove themselves with to `run --sql`."
    )
    log_format: str = Field(
        "auto",
        pattern="^(auto|text|json)$",
        description="text, json, or auto: text on a terminal.",
    )

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_value_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        # pydantic takes true for 1; no setting is a boolean
        if isinstance(value, bool):
            raise ValueError(f"{str(value).lower()} is none of its values")
        return value

    @field_validator("warehouse_path")
    @classmethod
    def _no_ambiguous_name(cls, path: Path) -> Path:
        # DuckDB names a database after its file, and then cannot tell it from the schema.
        if path.stem in ("fluents", "analytics"):
            raise ValueError(f"{path.name} would make `{path.stem}.…` ambiguous in SQL")
        return path

    @field_validator("host", "sql_host")
    @classmethod
    def _an_address(cls, host: str) -> str:
        # granian takes addresses only, and an address says which network can reach it
        try:
            return str(ip_address("127.0.0.1" if host == "localhost" else host))
        except ValueError:
            raise ValueError(f"{host!r} is no IP address; write 127.0.0.1 or 0.0.0.0") from None

    @field_validator("public_url")
    @classmethod
    def _a_url(cls, url: str) -> str:
        if not url.isprintable() or " " in url:
            raise ValueError("a URL has no spaces and no control characters")
        parts = urlsplit(url)  # it and its port raise a ValueError of their own
        if url and not (parts.scheme in ("http", "https") and parts.hostname):
            raise ValueError("write a URL that begins with https://, or with http://")
        if parts.query or parts.fragment or url[-1:] in ("?", "#"):
            raise ValueError("a URL to which a path is added has no ? and no #")
        if "@" in parts.netloc or parts.port == 0:
            raise ValueError("write host and port alone, such as https://example.com:8443")
        if "/fluents/webhook" in parts.path:
            raise ValueError("leave /fluents/webhook/… away: `init` adds it, with the token")
        return url

    @field_validator("webhooks")
    @classmethod
    def _labels_and_distinct_tokens(cls, webhooks: dict[str, Any]) -> dict[str, Any]:
        for label in webhooks:
            if not LABEL.fullmatch(label):
                raise ValueError(f"the label {shown(label)!r} may only hold a-z 0-9 - _")
        tokens = [token.get_secret_value() for group in webhooks.values() for token in group]
        if len(set(tokens)) < len(tokens):
            raise ValueError("each token may be used once only")
        return webhooks

    @field_validator("gateway_secret", "hmac_secret")
    @classmethod
    def _header_and_secret(cls, secrets: list[Any], info: ValidationInfo) -> list[Any]:
        header = f"{str(info.field_name).partition('_')[0]}_header"
        if header in info.data and bool(info.data[header]) != bool(secrets):
            raise ValueError(f"{header} and {info.field_name} need each other")
        return secrets

    @field_validator("tls_key")
    @classmethod
    def _certificate_and_key(cls, key: Path | None, info: ValidationInfo) -> Path | None:
        if (key is None) != (info.data.get("tls_certificate") is None):
            raise ValueError("tls_certificate and tls_key need each other")
        return key

    @field_validator("fields")
    @classmethod
    def _known_fields(cls, fields: dict[str, list[str]]) -> dict[str, list[str]]:
        unknown = sorted(set(fields) - set(PAYLOAD_FIELDS))
        if unknown:
            likely = meant(unknown[0], PAYLOAD_FIELDS)
            hint = f"did you mean {likely!r}?" if likely else f"write {', '.join(PAYLOAD_FIELDS)}"
            raise ValueError(f"{shown(unknown[0])!r} is no fact that is looked for; {hint}")
        for fact, paths in fields.items():
            _check_paths(paths, f"{fact} = ", f'{fact} = ["analysis", "details.analysis"]')
            if len(paths) > MAX_NAMES:
                raise ValueError(f"{fact} has more than {MAX_NAMES} names")
        return fields

    @field_validator("warehouse_group")
    @classmethod
    def _a_group(cls, group: str, info: ValidationInfo) -> str:
        if group:
            try:
                grp.getgrnam(group)
            except KeyError:
                raise ValueError(f"the system has no group {group!r}") from None
            data_dir, warehouse = info.data.get("data_dir"), info.data.get("warehouse_path")
            if data_dir and warehouse and Path(warehouse).is_relative_to(data_dir):
                raise ValueError("warehouse_path must be outside of data_dir, which is closed")
        return group

    @field_validator("redact_fields")
    @classmethod
    def _names_of_fields(cls, names: list[str]) -> list[str]:
        for name in names:
            if not FIELD_NAME.fullmatch(name):
                raise ValueError(f"{shown(name)!r} may only hold A-Z a-z 0-9 - _")
            if name.lower() in ("call_id", "type"):
                raise ValueError(f"without its {name} a body is no event")
        return names

    @field_validator("post_call_columns")
    @classmethod
    def _distinct_columns(cls, columns: dict[str, str]) -> dict[str, str]:
        _check_paths(columns, "", '"details.sold" = "boolean"')
        if len(columns) > MAX_COLUMNS:
            raise ValueError(f"post_call_wide would have more than {MAX_COLUMNS} columns")
        # SQL takes upper and lower case for the same
        names = [field.replace(".", "_").lower() for field in columns]
        taken = ["event_id", "call_id", "received_at", "is_latest", "result_text"]
        for number, name in enumerate(names):
            if name in [*taken, *names[:number]]:
                raise ValueError(
                    f"two columns of post_call_wide would be called {shown(name)!r} (a dot becomes "
                    f"_); leave one away. It always has {', '.join(taken)}"
                )
        return columns

    @property
    def buffer_file(self) -> Path:
        """Where the staging buffer is."""
        return self.buffer_path or self.data_dir / "buffer.sqlite"

    @property
    def address(self) -> str:
        """Where the receiver listens, as the beginning of a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls_certificate else 'http'}://{host}:{self.port}"

    @property
    def sql_uri(self) -> str:
        """Where `run --sql` listens, as Quack writes it."""
        host = f"[{self.sql_host}]" if ":" in self.sql_host else self.sql_host
        name = "localhost" if host == "127.0.0.1" else host
        return f"quack:{name}:{self.sql_port}"

    @property
    def payload_fields(self) -> dict[str, list[str]]:
        """For each fact the payload names to look for, the user's own before the built-in."""
        return {
            fact: list(dict.fromkeys([*self.fields.get(fact, []), *names]))
            for fact, names in PAYLOAD_FIELDS.items()
        }


def _check_paths(paths: Iterable[str], before: str, example: str) -> None:
    for path in paths:
        if wrong := wrong_path(path):
            name = f"{before}{shown(path)!r}"
            raise ValueError(f"{name} names no field of a payload: {wrong}; write, say, {example}")


def load_settings(config: Path | None = None) -> Settings:
    """The settings of `config`, or of `fluents.toml` in the working folder, and the environment.

    The environment wins, and where it gives a setting there need be no `fluents.toml`. Relative
    paths mean relative to the file. Warns on stderr of variables that are no settings. Raises
    `SettingsError`, which names the key and says what to write.
    """
    given, warnings = _environment()
    if WARNED not in os.environ:
        for warning in warnings:
            sys.stderr.write(f"Warning: {warning}\n")
    named = config or os.environ.get("FLUENTS_CONFIG")
    path = Path(named or CONFIG_FILE)
    values = {} if given and not named and not path.exists() else _read_toml(path)
    for key, value in given.items():
        both = isinstance(value, dict) and isinstance(values.get(key), dict)
        values[key] = {**values[key], **value} if both else value
    try:
        settings = Settings(**values)
    except ValidationError as error:
        raise SettingsError(_explain(error, path)) from None
    paths = {
        key: path.parent / value
        for key, field in Settings.model_fields.items()
        if field.annotation in (Path, Path | None) and (value := getattr(settings, key)) is not None
    }
    return settings.model_copy(update=paths)


def webhooks_are_in_the_environment() -> bool:
    """Whether a webhook is set without a file."""
    return "webhooks" in _environment()[0]


def _environment() -> tuple[dict[str, Any], list[str]]:
    kinds = {key: get_origin(field.annotation) for key, field in Settings.model_fields.items()}
    return from_environment(
        os.environ,
        kinds.keys(),
        tables=[key for key, kind in kinds.items() if kind is dict],
        # a secret may hold a comma
        lists=[key for key, kind in kinds.items() if kind is list and not key.endswith("_secret")],
    )


def _read_toml(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise SettingsError(
            f"{path} is not there. Run `fluents-warehouse init` to make one, "
            "name one with --config, or set FLUENTS_WEBHOOKS__MAIN in the environment."
        )
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise SettingsError(f"{path} cannot be read: its lists are nested too deep.") from None
    except (ValueError, OSError) as error:  # tomllib's error is a ValueError
        raise SettingsError(f"{path} cannot be read: {error}.") from None


def _explain(error: ValidationError, path: Path) -> str:
    lines = []
    for problem in error.errors(include_input=False, include_url=False):
        key = ".".join(shown(part) for part in problem["loc"])
        name = str(problem["loc"][0]) if problem["loc"] else ""
        if problem["type"] == "extra_forbidden":
            likely = meant(name, Settings.model_fields)
            known = ", ".join(Settings.model_fields)
            hint = f"Did you mean `{likely}`?" if likely else f"The settings are: {known}."
            lines.append(f"`{key}` is not a setting. {hint}")
            continue
        message = problem["msg"].removeprefix("Value error, ")
        field = Settings.model_fields.get(name)
        about = f" {field.description}" if field and field.description else ""
        inner = str(problem["loc"][1]) if len(problem["loc"]) > 1 else ""
        if inner in Settings.model_fields:
            about = f" {inner} is a setting of its own: write it above the first [section]."
        lines.append(f"`{key}`: {message}.{about} (FLUENTS_{name.upper()} overrides it.)")
    return f"{path}: " + "\n".join(lines)
