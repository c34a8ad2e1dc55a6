"""Settings come from a file and the environment; an error names the key and what to write."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path

import pytest
from pydantic import ValidationError

from fluents_connector.errors import SettingsError
from fluents_connector.settings import Settings, load_settings
from fluents_connector.settings.payload_fields import PAYLOAD_FIELDS
from tests.deliveries import TOKEN
from tests.processes import run_command

OTHER = TOKEN[::-1]
DIGITS = "31415926535897932384626433832795"
Write = Callable[[str], Path]


@pytest.fixture(autouse=True)
def _no_settings_of_the_developer(monkeypatch: pytest.MonkeyPatch) -> None:
    for key in os.environ:
        if key.startswith("FLUENTS_"):
            monkeypatch.delenv(key)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str) -> Path:
        path = tmp_path / "fluents.toml"
        path.write_text(text)
        return path

    return write


def test_an_empty_file_gives_the_defaults(write: Write, tmp_path: Path) -> None:
    settings = load_settings(write(""))
    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert (settings.max_body_bytes, settings.buffer_keep_days) == (10 * 1024**2, 7)
    assert settings.webhooks == {}  # no default secret
    assert settings.allowed_networks == []
    assert settings.metrics_networks == [ip_network("127.0.0.0/8"), ip_network("::1/128")]
    assert settings.trusted_proxies == 0
    assert settings.buffer_file == tmp_path / ".fluents" / "buffer.sqlite"


def test_every_setting_is_documented() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_paths_are_relative_to_the_file_and_not_to_the_working_folder(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = write('data_dir = "d"\nbuffer_path = "b/x.sqlite"\nwarehouse_path = "/w/x.duckdb"')
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    settings = load_settings(config)
    assert settings.data_dir == tmp_path / "d"
    assert settings.buffer_file == tmp_path / "b" / "x.sqlite"
    assert settings.warehouse_path == Path("/w/x.duckdb")


def test_the_file_is_looked_for_in_the_working_folder_or_where_the_environment_says(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("port = 1111")
    monkeypatch.chdir(tmp_path)
    assert load_settings().port == 1111
    (tmp_path / "other.toml").write_text("port = 2222")
    monkeypatch.setenv("FLUENTS_CONFIG", "other.toml")
    assert load_settings().port == 2222


ENVIRONMENT = {
    "one token": ("FLUENTS_WEBHOOKS__MAIN", TOKEN, {"main": [TOKEN]}),
    "two tokens": ("FLUENTS_WEBHOOKS__MAIN", f'["{OTHER}", "{TOKEN}"]', {"main": [OTHER, TOKEN]}),
    "a token of digits": ("FLUENTS_WEBHOOKS__MAIN", DIGITS, {"main": [DIGITS]}),
    "all as JSON": ("FLUENTS_WEBHOOKS", f'{{"prod": "{TOKEN}"}}', {"prod": [TOKEN]}),
}


@pytest.mark.parametrize(("key", "value", "tokens"), ENVIRONMENT.values(), ids=ENVIRONMENT)
def test_webhooks_may_come_from_the_environment(
    write: Write,
    monkeypatch: pytest.MonkeyPatch,
    key: str,
    value: str,
    tokens: dict[str, list[str]],
) -> None:
    monkeypatch.setenv(key, value)
    webhooks = load_settings(write("")).webhooks
    assert {
        label: [token.get_secret_value() for token in group] for label, group in webhooks.items()
    } == tokens


@pytest.mark.parametrize(
    ("value", "secrets"),
    [
        pytest.param(OTHER, [OTHER], id="one"),
        pytest.param(f'["{OTHER}", "{TOKEN}"]', [OTHER, TOKEN], id="two"),
        pytest.param(DIGITS, [DIGITS], id="digits"),
    ],
)
def test_the_secrets_of_a_gateway_may_come_from_the_environment(
    write: Write, monkeypatch: pytest.MonkeyPatch, value: str, secrets: list[str]
) -> None:
    monkeypatch.setenv("FLUENTS_GATEWAY_SECRET", value)
    settings = load_settings(write('gateway_header = "X-Shared"'))
    assert [secret.get_secret_value() for secret in settings.gateway_secret] == secrets
    assert not any(secret in f"{settings!r}{settings.model_dump_json()}" for secret in secrets)


def test_the_environment_overrides_the_file(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLUENTS_PORT", "9000")
    monkeypatch.setenv("FLUENTS_WEBHOOKS__MAIN", OTHER)
    settings = load_settings(write(f'port = 1\n[webhooks]\nmain = "{TOKEN}"\nb = "{TOKEN}"'))
    assert settings.port == 9000
    assert settings.webhooks["main"][0].get_secret_value() == OTHER
    assert settings.webhooks["b"][0].get_secret_value() == TOKEN


# What is wrong, then words of the message: the key, and what to write.
WRONG = {
    "unknown key": ("prot = 9000", ["`prot` is not a setting", "Did you mean `port`?"]),
    "a key like none": ("colour = 1", ["`colour` is not a setting", "host, port,"]),
    "URL without a scheme": ('public_url = "calls.example.com"', ["`public_url`", "https://"]),
    "URL of another scheme": ('public_url = "ftp://calls.example.com"', ["`public_url`"]),
    "URL without a host": ('public_url = "https:///a"', ["`public_url`", "https://"]),
    "URL with a query": ('public_url = "https://a.example?b"', ["`public_url`", "no ?"]),
    "URL with a space": ('public_url = "https://a.example "', ["`public_url`", "no spaces"]),
    "URL with a password": ('public_url = "https://a:b@c.example"', ["host and port alone"]),
    "URL with a wrong port": ('public_url = "https://a.example:99999"', ["`public_url`", "ort"]),
    "the whole webhook URL": (
        f'public_url = "https://a.example/fluents/webhook/{TOKEN}"',
        ["`public_url`", "`init` adds it"],
    ),
    "setting below a section": (
        f'[webhooks]\nmain = "{TOKEN}"\nport = 9000',
        ["`webhooks.port", "port is a setting of its own", "above the first [section]"],
    ),
    "truth value for a number": ("workers = true", ["`workers`", "true is none of its values"]),
    "lists in lists": (f"port = {'[' * 9000}", ["fluents.toml", "cannot be read"]),
    "mistyped payload field": ('[fields]\npost_cal = ["r"]', ["did you mean 'post_call'"]),
    "text for a number": ('port = "http"', ["`port`", "valid integer", "FLUENTS_PORT"]),
    "number for text": ("host = 1", ["`host`", "valid string"]),
    "number out of range": ("port = 70000", ["`port`", "less than or equal to 65535"]),
    "text for a list": ('allowed_networks = "10.0.0.0/8"', ["`allowed_networks`", "valid list"]),
    "no network": ('allowed_networks = ["10.0.0.1/8"]', ["`allowed_networks.0`", "network"]),
    "text for webhooks": (f'webhooks = "{TOKEN}"', ["`webhooks`", "Label = token"]),
    "weak token": ('[webhooks]\nmain = "secret"', ["`webhooks.main", "24", "token_urlsafe(32)"]),
    "one character as token": (
        f'[webhooks]\nmain = "{"x" * 40}"',
        ["`webhooks.main", "different characters", "token_urlsafe(32)"],
    ),
    "changeme as token": ('[webhooks]\nmain = "changeme-changeme-now-4711"', ["'changeme'"]),
    "token with a space": (f'[webhooks]\nmain = " {TOKEN}"', ["`webhooks.main", "A-Z a-z 0-9 - _"]),
    "no token": ("[webhooks]\nmain = []", ["`webhooks.main`", "at least 1", "Label = token"]),
    "three tokens": (
        f'[webhooks]\nmain = ["{TOKEN}1", "{TOKEN}2", "{TOKEN}3"]',
        ["`webhooks.main`", "at most 2", "[new token, old token]"],
    ),
    "bad label": (f'[webhooks]\n"A b" = "{TOKEN}"', ["`webhooks`", "'A b'", "a-z 0-9 - _"]),
    "same token twice": (f'[webhooks]\na = "{TOKEN}"\nb = "{TOKEN}"', ["`webhooks`", "once only"]),
    "gateway header alone": ('gateway_header = "X-A"', ["`gateway_secret`", "need each other"]),
    "gateway secret alone": (f'gateway_secret = "{TOKEN}"', ["gateway_header and gateway_secret"]),
    "HMAC header alone": ('hmac_header = "X-A"', ["`hmac_secret`", "need each other"]),
    "certificate alone": ('tls_certificate = "a"', ["`tls_key`", "need each other"]),
    "TLS key alone": ('tls_key = "a"', ["`tls_key`", "need each other"]),
    "no header name": ('hmac_header = "X_A"', ["`hmac_header`", "HMAC"]),
    "weak HMAC secret": (
        'hmac_header = "X-A"\nhmac_secret = "short"',
        ["`hmac_secret.0`", "24 visible ASCII", "token_urlsafe(32)"],
    ),
    "three secrets": (
        f'hmac_header = "X-A"\nhmac_secret = ["{TOKEN}1", "{TOKEN}2", "{TOKEN}3"]',
        ["`hmac_secret`", "at most 2"],
    ),
    "unknown payload field": ('[fields]\nresult = ["r"]', ["`fields`", "'result'", "post_call"]),
    "text for a field": ('[fields]\npost_call = "r"', ["`fields.post_call`", "valid list"]),
    "unknown column type": (
        '[post_call_columns]\nscore = "integer"',
        ["`post_call_columns.score`", "'text', 'number' or 'boolean'"],
    ),
    "columns of one name": (
        '[post_call_columns]\n"a.b" = "text"\nA_b = "text"',
        ["`post_call_columns`", "two columns", "'a_b'"],
    ),
    "column that is there already": (
        '[post_call_columns]\nCall_id = "text"',
        ["`post_call_columns`", "two columns"],
    ),
    "mistyped time zone": ('time_zone = "europe/berlin"', ["`time_zone`", "mean 'Europe/Berlin'"]),
    "no time zone": ('time_zone = "CEST+2 or so"', ["`time_zone`", "write, say, Europe/Berlin"]),
    "time zone of the system": ('time_zone = "localtime"', ["`time_zone`", "is no time zone"]),
    "number with spaces": ('[agents]\n"+1 (415) 55-501" = "Mia"', ["`agents`", "'+141555501'"]),
    "agent without a name": ('[agents]\nmain = " "', ["`agents`", "'main'", "printable"]),
    "agent with a word's name": ('[agents]\nmain = "inbound"', ["`agents`", "'inbound'"]),
    "price of no agent": (
        '[agents]\nmain = "Maria"\n[cost_per_minute]\nmaria = 0.1',
        ["`cost_per_minute`", "did you mean 'Maria'"],
    ),
    "price below 0": ("[cost_per_minute]\ndefault = -0.1", ["`cost_per_minute`", "below 0"]),
    "price without end": ("[cost_per_minute]\ndefault = inf", ["`cost_per_minute", "finite"]),
    "ambiguous name": ('warehouse_path = "fluents.duckdb"', ["`warehouse_path`", "ambiguous"]),
    "memory without unit": ('memory_limit = "512"', ["`memory_limit`", "256MB or 2GiB"]),
    "log format": ('log_format = "xml"', ["`log_format`", "auto|text|json"]),
    "bad TOML": ("port =", ["fluents.toml cannot be read", "Invalid value"]),
    "token without quotes": (f"[webhooks]\nmain = {TOKEN}", ["cannot be read", "line 2"]),
    "token for a key": (f'[webhooks]\n{TOKEN} = "main"', ["`webhooks"]),
    "token for a label": (f'[webhooks]\n"{TOKEN.upper()}" = "{OTHER}"', ["`webhooks", "label"]),
    "token for a setting": (f'"{TOKEN}" = "main"', ["is not a setting"]),
}


NUMBERS = {
    key: field
    for key, field in Settings.model_fields.items()
    if field.annotation in (int, float, int | None, float | None)
}
ABSURD = ["-1", "1e30", str(10**30), "inf", "-inf", "nan", "true", "false", '"many"', '""', "[]"]


@pytest.mark.parametrize("value", ABSURD)
@pytest.mark.parametrize("key", NUMBERS)
def test_no_number_is_absurd(write: Write, key: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"`{key}`: "):
        load_settings(write(f"{key} = {value}"))


@pytest.mark.parametrize("value", ["-1", "1e30", "inf", "nan", "true", "many", "[]", "0x10"])
@pytest.mark.parametrize("key", NUMBERS)
def test_no_number_of_the_environment_is_absurd(
    write: Write, monkeypatch: pytest.MonkeyPatch, key: str, value: str
) -> None:
    monkeypatch.setenv(f"FLUENTS_{key.upper()}", value)
    with pytest.raises(SettingsError, match=f"`{key}`: "):
        load_settings(write(""))


@pytest.mark.parametrize("key", NUMBERS)
def test_each_number_may_be_its_greatest(write: Write, key: str) -> None:
    (greatest,) = (at.le for at in NUMBERS[key].metadata if hasattr(at, "le"))
    assert getattr(load_settings(write(f"{key} = {greatest}")), key) == greatest
    with pytest.raises(SettingsError, match=f"`{key}`: .* less than or equal to {greatest}"):
        load_settings(write(f"{key} = {greatest + 1}"))


NO_PATHS = [
    "", ".", "..", "a..b", ".a", "a.", "$", "$.a", "a[0]", "a.*", "*", "a\\", "\\", " a",
    "a .b", "a\nb", "a\x00", "\u202e", "x" * 129, "\t",
]  # fmt: skip


@pytest.mark.parametrize("path", NO_PATHS, ids=ascii)
def test_a_name_that_is_no_path_of_a_payload_is_refused_at_start(path: str) -> None:
    for key, value, example in (
        ("fields", {"post_call": ["good", path]}, 'post_call = ["analysis", "details.analysis"]'),
        ("post_call_columns", {path: "text"}, '"details.sold" = "boolean"'),
    ):
        with pytest.raises(ValidationError) as raised:
            Settings(**{key: value})
        (error,) = raised.value.errors()
        assert error["loc"] == (key,)
        assert example in error["msg"]


@pytest.mark.parametrize(("text", "words"), WRONG.values(), ids=WRONG)
def test_an_error_names_the_key_and_what_to_write_but_no_token(
    write: Write, text: str, words: list[str]
) -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings(write(text))
    message = str(raised.value)
    assert [word for word in words if word not in message] == []
    assert TOKEN.lower() not in message.lower()
    assert OTHER not in message
    assert raised.value.__cause__ is None  # which would hold the input


def test_all_errors_are_named_at_once(write: Write) -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings(write('port = "http"\nprot = 1'))
    assert "`port`" in str(raised.value)
    assert "`prot`" in str(raised.value)


WRONG_ENVIRONMENT = {
    "number": ("FLUENTS_PORT", "http", ["`port`", "valid integer"]),
    "cut JSON": ("FLUENTS_WEBHOOKS", f'{{"main": "{TOKEN}"', ["webhooks", "JSON"]),
    "token for JSON": ("FLUENTS_WEBHOOKS", TOKEN, ["webhooks", "JSON"]),
    "list that is not JSON": ("FLUENTS_ALLOWED_NETWORKS", "[10.0.0.0/8", ["allowed_networks"]),
    "weak token": ("FLUENTS_WEBHOOKS__MAIN", TOKEN[:9], ["`webhooks.main", "token_urlsafe(32)"]),
    "cut list of secrets": ("FLUENTS_HMAC_SECRET", f'["{TOKEN}"', ["`hmac_secret`", "JSON"]),
    "cut list of tokens": ("FLUENTS_WEBHOOKS__MAIN", f'["{TOKEN}"', ["`webhooks.main"]),
}


def test_a_suggestion_comes_without_the_list_of_all(write: Write) -> None:
    for text in ("prot = 1", '[fields]\npost_cal = ["r"]', f'[webhook]\nmain = "{TOKEN}"'):
        with pytest.raises(SettingsError, match=r"[Dd]id you mean") as raised:
            load_settings(write(text))
        assert "data_dir" not in str(raised.value)
        assert "recording_url" not in str(raised.value)


@pytest.mark.parametrize(
    ("key", "value", "words"), WRONG_ENVIRONMENT.values(), ids=WRONG_ENVIRONMENT
)
def test_an_error_in_the_environment_names_the_key_but_no_token(
    write: Write, monkeypatch: pytest.MonkeyPatch, key: str, value: str, words: list[str]
) -> None:
    monkeypatch.setenv(key, value)
    with pytest.raises(SettingsError) as raised:
        load_settings(write(""))
    assert [word for word in words if word not in str(raised.value)] == []
    assert TOKEN[:9] not in str(raised.value)


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nothing\.toml is not there.*init.*--config"):
        load_settings(tmp_path / "nothing.toml")


def test_a_file_that_is_not_text_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "fluents.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(tmp_path / "fluents.toml")


def test_settings_reach_a_worker_process_but_their_tokens_no_text(write: Write) -> None:
    settings = load_settings(write(f'[webhooks]\nmain = ["{OTHER}", "{TOKEN}"]'))
    for text in (repr(settings), str(settings), f"{settings.webhooks}", settings.model_dump_json()):
        assert TOKEN not in text
        assert OTHER not in text
    copied = pickle.loads(pickle.dumps(settings))  # noqa: S301 # our own bytes
    assert copied == settings


def test_the_users_payload_names_come_before_the_built_in_ones(write: Write) -> None:
    settings = load_settings(write('[fields]\npost_call = ["mine", "summary"]'))
    names = settings.payload_fields
    assert names["post_call"][:3] == ["mine", "summary", "post_call_results"]
    assert sorted(names["post_call"]) == sorted({"mine", *PAYLOAD_FIELDS["post_call"]})
    assert names | {"post_call": []} == PAYLOAD_FIELDS | {"post_call": []}


FOREIGN = {
    "an API key": ("FLUENTS_API_KEY", "k", ["FLUENTS_API_KEY", "no setting"]),
    "mistyped": ("FLUENTS_PROT", "9000", ["FLUENTS_PROT", "Did you mean FLUENTS_PORT?"]),
    "mistyped table": ("FLUENTS_WEBHOOK__MAIN", TOKEN, ["mean FLUENTS_WEBHOOKS__MAIN?"]),
    "entry of no table": ("FLUENTS_PORT__A", "1", ["FLUENTS_PORT__A", "no setting"]),
    "service's host": ("FLUENTS_SERVICE_HOST", "10.0.0.1", ["Kubernetes"]),
    "service's named port": ("FLUENTS_SERVICE_PORT_HTTP", "80", ["Kubernetes"]),
    "service's address": ("FLUENTS_PORT", "tcp://10.0.0.1:80", ["FLUENTS_PORT", "Kubernetes"]),
    "another service's": ("FLUENTS_SQL_PORT", "udp://10.0.0.1:80", ["sql_port", "Kubernetes"]),
    "service's protocol": ("FLUENTS_PORT_80_TCP_PROTO", "tcp", ["Kubernetes"]),
    "a token as name": (f"FLUENTS_{TOKEN}", "main", ["no setting"]),
}


@pytest.mark.parametrize(("key", "value", "words"), FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_variable_is_warned_of_and_left_alone(
    write: Write,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    key: str,
    value: str,
    words: list[str],
) -> None:
    monkeypatch.setenv(key, value)
    assert load_settings(write("port = 1111")).port == 1111
    said = capsys.readouterr().err
    assert said.count("Warning: ") == 1
    assert [word for word in words if word not in said] == []
    assert TOKEN not in said


def test_a_variable_of_ours_is_not_warned_of(
    write: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FLUENTS_PORT", "9000")
    monkeypatch.setenv("FLUENTS_CONFIG", str(write("")))
    assert load_settings().port == 9000
    assert capsys.readouterr().err == ""


def test_the_environment_alone_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLUENTS_WEBHOOKS__MAIN", TOKEN)
    monkeypatch.setenv("FLUENTS_DATA_DIR", "/data")
    monkeypatch.setenv("FLUENTS_ALLOWED_NETWORKS", "10.0.0.0/8, 192.0.2.0/24")
    monkeypatch.setenv("FLUENTS_METRICS_NETWORKS", '["10.0.0.0/8"]')
    monkeypatch.setenv("FLUENTS_FIELDS__POST_CALL", "mine,call.reason")
    monkeypatch.setenv("FLUENTS_FIELDS__TRANSCRIPT", '["words"]')
    monkeypatch.setenv("FLUENTS_POST_CALL_COLUMNS__DETAILS__SOLD", "boolean")
    monkeypatch.setenv("FLUENTS_POST_CALL_COLUMNS__leadScore", "number")
    settings = load_settings()
    assert settings.webhooks["main"][0].get_secret_value() == TOKEN
    assert settings.data_dir == Path("/data")
    assert settings.allowed_networks == [ip_network("10.0.0.0/8"), ip_network("192.0.2.0/24")]
    assert settings.metrics_networks == [ip_network("10.0.0.0/8")]
    assert settings.fields == {"post_call": ["mine", "call.reason"], "transcript": ["words"]}
    assert settings.post_call_columns == {"details.sold": "boolean", "leadScore": "number"}


def test_a_file_that_is_named_must_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLUENTS_WEBHOOKS__MAIN", TOKEN)
    with pytest.raises(SettingsError, match="is not there"):
        load_settings(tmp_path / "fluents.toml")


def test_init_writes_no_file_beside_webhooks_of_the_environment(tmp_path: Path) -> None:
    ended = run_command(tmp_path, "init", env={"FLUENTS_WEBHOOKS__MAIN": TOKEN})
    assert f"/fluents/webhook/{TOKEN}" in ended.stdout
    assert list(tmp_path.iterdir()) == []


def test_limits_of_alerts_may_come_from_the_environment_and_the_url_is_shown_by_nothing(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLUENTS_ALERTS__SILENCE", "false")
    monkeypatch.setenv("FLUENTS_ALERTS__ERROR_RATE", "0.2")
    monkeypatch.setenv("FLUENTS_ALERTS_URL", f"https://example.com/{TOKEN}")
    settings = load_settings(write("[alerts]\nlag = 5\nsilence = 20"))
    assert settings.alerts == {"lag": 5.0, "silence": False, "error_rate": 0.2}
    assert settings.alerts_url is not None
    assert settings.alerts_url.get_secret_value() == f"https://example.com/{TOKEN}"
    assert TOKEN not in repr(settings) + str(settings.model_dump_json())


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com/x",
        "ftp://example.com",
        "https://",
        "https://a b/",
        "https://a:99999/",
        "https://a:x/",
        "https://[/",
        "https://ä/",
        "https://a/\n",
    ],
)
def test_findings_are_posted_to_a_url_and_to_nothing_else(url: str) -> None:
    with pytest.raises(ValidationError, match="begins with https://"):
        Settings(alerts_url=url)
