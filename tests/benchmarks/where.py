"""A sampling profiler: reports what the main thread of a process spends its time on."""

from __future__ import annotations

import signal
from collections import Counter
from types import FrameType

_EVERY_SECONDS = 0.002
#: Part of a path → category of the time; the innermost frame with a match decides.
_PARTS = (
    ("selectors.py", "waiting"),
    ("/asyncio/runners.py", "event loop"),  # in uvloop: connections, and waiting for them
    ("/aiohttp/", "request"),
    ("/aiohappyeyeballs/", "request"),
    ("/yarl/", "request"),
    ("/ingest/adapters/http/", "request"),
    ("/ingest/fetching/", "manners"),
    ("/ingest/polling/entries/", "entries"),
    ("/ingest/polling/state/seen_keys.py", "entries"),
    ("/ingest/dates.py", "entries"),
    ("/ingest/polling/state/", "state and log"),
    ("/ingest/records/", "state and log"),
    ("/ingest/polling/schedule/", "schedule"),
    ("/ingest/polling/poller.py", "schedule"),
    ("/ingest/telemetry.py", "telemetry"),
    ("/ingest/polling/one_poll.py", "the poll itself"),
)


class Sampler:
    """Samples the main thread at fixed steps of processor time.

    It must be made in the main thread, where signals are handled: a second thread would only get
    to sample where the main thread releases the interpreter, in system calls.
    """

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()
        signal.signal(signal.SIGPROF, self._look)

    def start(self) -> None:
        """Start sampling."""
        self._seen.clear()
        signal.setitimer(signal.ITIMER_PROF, _EVERY_SECONDS, _EVERY_SECONDS)

    def shares(self) -> dict[str, float]:
        """Stop sampling; return the share of each category, largest first."""
        signal.setitimer(signal.ITIMER_PROF, 0)
        total = max(1, sum(self._seen.values()))
        return {name: round(count / total, 3) for name, count in self._seen.most_common()}

    def _look(self, _: int, frame: FrameType | None) -> None:
        self._seen[part_of(frame)] += 1


def part_of(frame: FrameType | None) -> str:
    """Return the category of a frame."""
    while frame is not None:
        if frame.f_code.co_name == "run_forever":
            break
        path = frame.f_code.co_filename.replace("\\", "/")
        for part, name in _PARTS:
            if part in path:
                return name
        frame = frame.f_back
    return "event loop"
