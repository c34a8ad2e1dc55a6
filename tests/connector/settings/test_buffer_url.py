"""`buffer_url` chooses what keeps the buffer; `buffer_path` is its plain form."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from fluents_connector import buffer
from fluents_connector.buffer import SqliteStore, buffer_store, open_buffer
from fluents_connector.errors import SettingsError
from fluents_connector.settings import Settings, load_settings
from fluents_connector.settings.checks import BUFFER_SCHEMES


def load(folder: Path, text: str) -> Settings:
    config = folder / "fluents.toml"
    config.write_text(text)
    return load_settings(config)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        pytest.param("", ".fluents/buffer.sqlite", id="neither"),
        pytest.param('buffer_url = "sqlite:///b/x.sqlite"', "b/x.sqlite", id="relative"),
        pytest.param('buffer_path = "b/x.sqlite"', "b/x.sqlite", id="a plain path"),
        pytest.param('buffer_url = "sqlite:////srv/x.sqlite"', "/srv/x.sqlite", id="from the root"),
    ],
)
def test_it_names_a_file_beside_the_settings_or_from_the_root(
    text: str, path: str, tmp_path: Path
) -> None:
    for settings in (load(tmp_path, text), pickle.loads(pickle.dumps(load(tmp_path, text)))):  # noqa: S301
        store = buffer_store(settings)
        assert isinstance(store, SqliteStore)
        assert store.description == str(tmp_path / path)


def test_the_environment_may_say_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLUENTS_BUFFER_URL", "sqlite:///other.sqlite")
    settings = load(tmp_path, "")
    open_buffer(settings).close()
    assert (tmp_path / "other.sqlite").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('buffer_url = "mysql://me:secret@host/db"', "'mysql'; write sqlite:///…"),
        ('buffer_url = "buffer.sqlite"', "'buffer.sqlite'; write sqlite:///…"),
        ('buffer_url = "sqlite://buffer.sqlite"', "sqlite:/// and the path of a file"),
        ('buffer_url = "sqlite:///"', "sqlite:/// and the path of a file"),
        ('buffer_url = "sqlite:///b?mode=ro"', "sqlite:/// and the path of a file"),
        ('buffer_url = "sqlite:///a"\nbuffer_path = "b"', "leave one away"),
    ],
)
def test_what_names_no_buffer_is_refused_with_what_to_write(
    text: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError) as refused:
        load(tmp_path, text)
    assert message in str(refused.value)
    assert "`buffer_" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_each_scheme_has_an_engine() -> None:
    assert tuple(buffer._ENGINES) == BUFFER_SCHEMES
