"""How full the disks are, and from where on it is worth a warning."""

from __future__ import annotations

import os
from pathlib import Path
from shutil import copytree

from ingest.operations.disks import Disk, disks
from ingest.settings.load import load

CONFIG = Path(__file__).parents[2] / "config"


def test_each_file_system_with_files_of_ours_is_measured_once(tmp_path: Path) -> None:
    settings = load(CONFIG, {"NEWS_INGEST_ARCHIVE_FOLDER": str(tmp_path)})
    found = disks(settings)
    assert len(found) == len({path.stat().st_dev for path in (tmp_path, settings.root)})
    whole = os.statvfs(tmp_path)
    (one,) = [one for one in found if Path(one.folder).stat().st_dev == tmp_path.stat().st_dev]
    assert 0 <= one.used_percent <= 100
    assert 0 < one.free_bytes <= whole.f_frsize * whole.f_blocks


def test_a_disk_is_filling_from_80_percent_on() -> None:
    assert not Disk("var", 10**10, 79.9).is_filling
    assert Disk("var", 10**10, 80.0).is_filling
    assert str(Disk("var", 5_100_000_000, 84.6)) == "85 % full, 5.1 GB free"


def test_a_folder_that_cannot_be_looked_at_is_left_out(tmp_path: Path) -> None:
    unreachable = str(tmp_path / ("x" * 300))  # as root no folder is locked
    copytree(CONFIG, tmp_path / "config")  # beside it there is no var/, as a demo makes one
    settings = load(tmp_path / "config", {"NEWS_INGEST_ARCHIVE_FOLDER": unreachable})
    assert [one.folder for one in disks(settings)] == [str(settings.root)]
