"""Checks the values of settings beyond their types; an error says what to write."""

from __future__ import annotations

import grp
import re
from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import BaseModel, ValidationInfo, field_validator

from fluents_connector.settings.environment import meant, shown
from fluents_connector.settings.payload_fields import PAYLOAD_FIELDS, wrong_path

WEBHOOK_PATH = "/fluents/webhook/"  # then the token
FIELD_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")
LABEL = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
BUFFER_SCHEMES = ("sqlite", "postgresql")  # each has an engine in fluents_connector.buffer
MAX_NAMES = 100  # names of one fact in [fields]
MAX_COLUMNS = 500  # columns in [post_call_columns]
MAX_AGENTS = 1_000  # entries of [agents]
MAX_NAME_LENGTH = 128
NO_TIME_ZONES = {"localtime", "Factory"}  # what a system's own list has besides
PRICED = ("default", "inbound", "outbound")  # what [cost_per_minute] has besides agents
NO_AGENTS = {*PRICED, "unknown"}
FORMATTED_NUMBER = re.compile(r"(?=.*[0-9])\+?[0-9 ()./-]*[ ()./-][0-9 ()./-]*")


class Checks(BaseModel):
    """The checks of `Settings`, by the names of its fields."""

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_value_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        # pydantic would take true for 1, and no setting is a boolean
        if isinstance(value, bool):
            raise ValueError(f"{str(value).lower()} is none of its values")
        return value

    @field_validator("warehouse_path", check_fields=False)
    @classmethod
    def _no_ambiguous_name(cls, path: Path) -> Path:
        # DuckDB names a database after its file, and then cannot tell it from the schema.
        if path.stem in ("fluents", "analytics"):
            raise ValueError(f"{path.name} would make `{path.stem}.…` ambiguous in SQL")
        return path

    @field_validator("host", "sql_host", "dashboard_host", check_fields=False)
    @classmethod
    def _an_address(cls, host: str) -> str:
        # granian takes addresses only, and an address says which network can reach it
        try:
            return str(ip_address("127.0.0.1" if host == "localhost" else host))
        except ValueError:
            raise ValueError(f"{host!r} is no IP address; write 127.0.0.1 or 0.0.0.0") from None

    @field_validator("public_url", "dashboard_url", check_fields=False)
    @classmethod
    def _a_url(cls, url: str, info: ValidationInfo) -> str:
        if not url.isprintable() or " " in url:
            raise ValueError("a URL has no spaces and no control characters")
        parts = urlsplit(url)  # urlsplit and .port raise a ValueError that says what is wrong
        if url and not (parts.scheme in ("http", "https") and parts.hostname):
            raise ValueError("write a URL that begins with https://, or with http://")
        if parts.query or parts.fragment or url[-1:] in ("?", "#"):
            raise ValueError("a URL to which a path is added has no ? and no #")
        if "@" in parts.netloc or parts.port == 0:
            raise ValueError("write host and port alone, such as https://example.com:8443")
        if info.field_name == "dashboard_url" and parts.path.strip("/"):
            raise ValueError("the dashboard needs a host or a port of its own, without a path")
        if WEBHOOK_PATH.rstrip("/") in parts.path:
            raise ValueError(f"leave {WEBHOOK_PATH}… away: `init` adds it, with the token")
        return url

    @field_validator("buffer_url", check_fields=False)
    @classmethod
    def _a_buffer(cls, url: str) -> str:
        scheme, _, rest = url.partition(":")
        if url and scheme not in BUFFER_SCHEMES:
            known = "sqlite:///… or postgresql://…"
            raise ValueError(f"no buffer is known by {shown(scheme)!r}; write {known}")
        if scheme == "postgresql":
            # the engine reads the rest as libpq does; nothing of it is shown, as it may be a secret
            if not rest.startswith("//") or not url.isprintable() or " " in url:
                raise ValueError("write postgresql:// and user@host:port/database")
        elif url and (not rest.startswith("///") or not rest.strip("/") or "?" in rest):
            raise ValueError("write sqlite:/// and the path of a file, and nothing after it")
        return url

    @field_validator("buffer_path", check_fields=False)
    @classmethod
    def _the_path_of_the_url(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        if not (url := info.data.get("buffer_url")):
            return path
        named = None if url.startswith("postgresql:") else Path(url.partition(":///")[2])
        if path not in (None, named):
            raise ValueError("buffer_url says already where the buffer is; leave one away")
        return named

    @field_validator("webhooks", check_fields=False)
    @classmethod
    def _labels_and_distinct_tokens(cls, webhooks: dict[str, Any]) -> dict[str, Any]:
        for label in webhooks:
            if not LABEL.fullmatch(label):
                raise ValueError(f"the label {shown(label)!r} may only hold a-z 0-9 - _")
        tokens = [token.get_secret_value() for group in webhooks.values() for token in group]
        if len(set(tokens)) < len(tokens):
            raise ValueError("each token may be used once only")
        return webhooks

    @field_validator("gateway_secret", "hmac_secret", check_fields=False)
    @classmethod
    def _header_and_secret(cls, secrets: list[Any], info: ValidationInfo) -> list[Any]:
        header = f"{str(info.field_name).partition('_')[0]}_header"
        if header in info.data and bool(info.data[header]) != bool(secrets):
            raise ValueError(f"{header} and {info.field_name} need each other")
        return secrets

    @field_validator("tls_key", check_fields=False)
    @classmethod
    def _certificate_and_key(cls, key: Path | None, info: ValidationInfo) -> Path | None:
        if (key is None) != (info.data.get("tls_certificate") is None):
            raise ValueError("tls_certificate and tls_key need each other")
        return key

    @field_validator("fields", check_fields=False)
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

    @field_validator("warehouse_group", check_fields=False)
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

    @field_validator("redact_fields", check_fields=False)
    @classmethod
    def _names_of_fields(cls, names: list[str]) -> list[str]:
        for name in names:
            if not FIELD_NAME.fullmatch(name):
                raise ValueError(f"{shown(name)!r} may only hold A-Z a-z 0-9 - _")
            if name.lower() in ("call_id", "type"):
                raise ValueError(f"without its {name} a body is no event")
        return names

    @field_validator("post_call_columns", check_fields=False)
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

    @field_validator("time_zone", check_fields=False)
    @classmethod
    def _a_time_zone(cls, name: str) -> str:
        known = available_timezones() - NO_TIME_ZONES
        if name not in known:
            likely = meant(name, known)
            hint = f"did you mean {likely!r}?" if likely else "write, say, Europe/Berlin or UTC"
            raise ValueError(f"{name[:64]!r} is no time zone of the IANA's list; {hint}")
        return name

    @field_validator("agents", check_fields=False)
    @classmethod
    def _agents_with_names(cls, agents: dict[str, str]) -> dict[str, str]:
        if len(agents) > MAX_AGENTS:
            raise ValueError(f"there are more than {MAX_AGENTS} numbers and labels")
        for key, name in agents.items():
            if FORMATTED_NUMBER.fullmatch(key):
                raise ValueError(
                    f"the number {key!r} holds more than digits; write it as Fluents sends it, "
                    f"such as {'+' + re.sub('[^0-9]', '', key)!r}"
                )
            if not name.strip() or not name.isprintable() or len(name) > MAX_NAME_LENGTH:
                raise ValueError(
                    f"name {shown(key)!r} in 1 to {MAX_NAME_LENGTH} printable characters"
                )
            if name in NO_AGENTS:
                raise ValueError(f"an agent cannot be called {name!r}: that word has a meaning")
        return agents

    @field_validator("cost_per_minute", check_fields=False)
    @classmethod
    def _prices_of_what_there_is(
        cls, prices: dict[str, float], info: ValidationInfo
    ) -> dict[str, float]:
        known = {*PRICED, *info.data.get("agents", {}).values()}
        for name, price in prices.items():
            if "agents" in info.data and name not in known:
                likely = meant(name, known)
                hint = f"did you mean {likely!r}?" if likely else f"write {', '.join(PRICED)}"
                raise ValueError(f"{shown(name)!r} is no agent of [agents]; {hint}")
            if price < 0:
                raise ValueError(f"the price of {shown(name)!r} is below 0")
        return prices


def _check_paths(paths: Iterable[str], before: str, example: str) -> None:
    for path in paths:
        if wrong := wrong_path(path):
            name = f"{before}{shown(path)!r}"
            raise ValueError(f"{name} names no field of a payload: {wrong}; write, say, {example}")
