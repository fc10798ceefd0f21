"""Tells what the main thread of a process was busy with, by looking at it again and again."""

from __future__ import annotations

import signal
from collections import Counter
from types import FrameType

_EVERY_SECONDS = 0.002
#: Part of a path → what the time went to; the innermost frame that is named here decides.
_PARTS = (
    ("selectors.py", "waiting"),
    ("/asyncio/runners.py", "event loop"),  # in uvloop: connections, and waiting for them
    ("/aiohttp/", "request"),
    ("/aiohappyeyeballs/", "request"),
    ("/yarl/", "request"),
    ("/ingest/adapters/http/", "request"),
    ("/ingest/fetching/", "manners"),
    ("/ingest/polling/entries.py", "entries"),
    ("/ingest/polling/entry_", "entries"),
    ("/ingest/polling/seen_keys.py", "entries"),
    ("/ingest/dates.py", "entries"),
    ("/ingest/polling/feed_state.py", "state and log"),
    ("/ingest/records/", "state and log"),
    ("/ingest/polling/planning.py", "schedule"),
    ("/ingest/polling/schedule.py", "schedule"),
    ("/ingest/polling/rate.py", "schedule"),
    ("/ingest/polling/due_queue.py", "schedule"),
    ("/ingest/polling/poller.py", "schedule"),
    ("/ingest/telemetry.py", "telemetry"),
    ("/ingest/polling/one_poll.py", "the poll itself"),
)


class Sampler:
    """Looks at the main thread each time the process has used so much of the processor.

    Made in the main thread, which is where signals are taken: a thread that looks from beside would
    come to look only where the other lets it, in calls of the system.
    """

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()
        signal.signal(signal.SIGPROF, self._look)

    def start(self) -> None:
        """Begin to look."""
        self._seen.clear()
        signal.setitimer(signal.ITIMER_PROF, _EVERY_SECONDS, _EVERY_SECONDS)

    def shares(self) -> dict[str, float]:
        """Look no more; give each part's share of the looks, largest first."""
        signal.setitimer(signal.ITIMER_PROF, 0)
        total = max(1, sum(self._seen.values()))
        return {name: round(count / total, 3) for name, count in self._seen.most_common()}

    def _look(self, _: int, frame: FrameType | None) -> None:
        self._seen[part_of(frame)] += 1


def part_of(frame: FrameType | None) -> str:
    """Return what a frame is busy with."""
    while frame is not None:
        if frame.f_code.co_name == "run_forever":
            break
        path = frame.f_code.co_filename.replace("\\", "/")
        for part, name in _PARTS:
            if part in path:
                return name
        frame = frame.f_back
    return "event loop"
