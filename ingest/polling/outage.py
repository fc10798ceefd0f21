"""Notices that our own network is down, so that no feed is blamed for it."""

from __future__ import annotations

from collections import Counter, deque
from datetime import datetime, timedelta

_WINDOW = timedelta(minutes=5)
_MIN_DOMAINS = 20


class OutageWatch:
    """Looks at the polls of the last 5 minutes."""

    def __init__(self) -> None:
        self._polls: deque[tuple[datetime, str]] = deque()
        self._unreached: Counter[str] = Counter()
        self._unreached_count = 0

    @property
    def is_frozen(self) -> bool:
        """Return whether over half of the polls, over 20 domains, ended before a status line."""
        is_most = self._unreached_count * 2 > len(self._polls)
        return is_most and len(self._unreached) >= _MIN_DOMAINS

    def note(self, domain: str, *, was_reached: bool, now: datetime) -> None:
        """Take in how one poll ended."""
        self._polls.append((now, "" if was_reached else domain))
        self._count("" if was_reached else domain, 1)
        while now - self._polls[0][0] > _WINDOW:
            self._count(self._polls.popleft()[1], -1)

    def _count(self, domain: str, step: int) -> None:
        if not domain:
            return
        self._unreached_count += step
        self._unreached[domain] += step
        if not self._unreached[domain]:
            del self._unreached[domain]
