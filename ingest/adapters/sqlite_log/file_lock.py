"""The advisory lock that lets writing processes take turns."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ingest.errors import LogRefused, LogUnavailable

_TRY_AGAIN_SECONDS = 0.005


class FileLock:
    """`flock` on a file beside the log: fair where SQLite's own waiting is not.

    The kernel frees it when its holder dies. Used by one thread at a time.
    Errors: LogRefused when the file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise LogRefused(
                f"the lock file of the embedded log cannot be made: {error.strerror}",
                value=str(path),
                remedy="let the folder exist and be writable",
            ) from error
        self._path = path

    @contextmanager
    def held(self, timeout_seconds: float | None = None) -> Iterator[None]:
        """Hold the lock inside; without a timeout wait as long as it takes, in turn.

        Errors: LogUnavailable when the time is over first.
        """
        if timeout_seconds is None:
            fcntl.flock(self._file, fcntl.LOCK_EX)
        else:
            self._acquire_within(timeout_seconds)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _acquire_within(self, timeout_seconds: float) -> None:
        deadline = time.monotonic() + timeout_seconds
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise LogUnavailable(
                        f"another process has held the log for {timeout_seconds:g} s",
                        value=str(self._path),
                        remedy="look for a stopped process of news-ingest and end it",
                    ) from error
                time.sleep(_TRY_AGAIN_SECONDS)
            else:
                return

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
