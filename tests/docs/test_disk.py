"""What docs/disk.md says of a buffer with a file system of its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fluents_connector.settings import load_settings
from tests.attacks.disk import SmallDisk
from tests.connector.buffer.test_disk_trouble import Poster
from tests.processes import Receiver

pytestmark = pytest.mark.attack

PAGE = Path(__file__).parents[2] / "docs" / "disk.md"


def test_its_settings_are_settings(tmp_path: Path) -> None:
    (shown,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "fluents.toml").write_text(shown)
    settings = load_settings(tmp_path / "fluents.toml")
    assert settings.buffer_file == Path("/srv/fluents-buffer/buffer.sqlite")
    assert settings.buffer_max_bytes == 4 * 1024**3
    assert f"`disk_reserve_bytes` ({settings.disk_reserve_bytes // 1024**3} GiB)" in PAGE.read_text(
        encoding="utf-8"
    )


def test_a_full_disk_of_the_loader_does_not_reach_the_receiver(tmp_path: Path) -> None:
    data, buffer = tmp_path / ".fluents", tmp_path / "own" / "buffer.sqlite"
    data.mkdir()
    small = SmallDisk(data)
    with Receiver(
        tmp_path, within=small.within, env=small.env, buffer_path=str(buffer)
    ) as receiver:
        poster = Poster(receiver)
        assert poster.post(20) == {200}
        with small.full(receiver.process.pid):
            assert poster.post(300) == {200}
    poster.check(buffer)
