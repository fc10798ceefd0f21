"""Measures the disks of this machine that hold our files: log, index, page archive, settings."""

from __future__ import annotations

import shutil
from contextlib import suppress

import msgspec

from ingest.settings.load import Settings

#: From here on a disk is worth a warning: logs and indexes grow in steps.
FULL_PERCENT = 80.0


class Disk(msgspec.Struct, frozen=True):
    """The file system of a folder of ours."""

    folder: str
    free_bytes: int
    used_percent: float

    @property
    def is_filling(self) -> bool:
        return self.used_percent >= FULL_PERCENT

    def __str__(self) -> str:
        return f"{self.used_percent:.0f} % full, {self.free_bytes / 1e9:,.1f} GB free"


def disks(settings: Settings) -> tuple[Disk, ...]:
    """Return each file system once, without those that we may not look at; percent as in `df`."""
    urls = (settings.pipeline.log.url, settings.pipeline.index.url)
    files = [settings.path_of(url).parent for url in urls if url.startswith("sqlite:")]
    found = {}
    for path in (settings.root, settings.archive_folder, *reversed(files)):
        with suppress(OSError):
            _, used, free = shutil.disk_usage(path)
            percent = round(100 * used / max(1, used + free), 1)
            found[path.stat().st_dev] = Disk(str(path), free, percent)
    return tuple(found.values())
