"""The circuit breaker: stops a stage that would move a whole topic to the dead letters (pure)."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Mapping, Sequence

import msgspec

from ingest.errors import BreakerTripped
from ingest.ports import TopicPartition
from ingest.settings.options import BreakerOptions


class Row(msgspec.Struct, frozen=True):
    """The number of rejects in a row in one partition, and their domains (short hashes)."""

    rejects: int = 0
    domains: tuple[str, ...] = ()


class Seen(msgspec.Struct, frozen=True):
    """A processed record as the breaker sees it."""

    place: TopicPartition
    domain: str
    key: str
    is_rejected: bool
    reason: str = ""


class Breaker:
    """Remembers the last records of this process, and the rejects in a row of each partition."""

    def __init__(self, options: BreakerOptions, stage: str) -> None:
        self._options = options
        self._stage = stage
        self._rows: dict[TopicPartition, Row] = {}
        self._window: deque[tuple[bool, str]] = deque(maxlen=options.window_records)
        self._rejects = 0  # in the window

    def judge(self, batch: Sequence[Seen]) -> None:
        """Record a batch before anything of it is written.

        Errors: BreakerTripped if the number of rejects in a row or their share is over its limit
        and they come from several domains, so that no single site is the cause.
        """
        rows = dict(self._rows)
        window = deque(self._window, maxlen=self._options.window_records)
        rejects = self._rejects
        for seen in batch:
            rows[seen.place] = _counted(rows.get(seen.place, Row()), seen)
            if len(window) == window.maxlen:
                rejects -= window[0][0]
            window.append((seen.is_rejected, seen.domain))
            rejects += seen.is_rejected
            if self._options.enabled:
                self._check(rows[seen.place], window, rejects, batch)
        self._rows, self._window, self._rejects = rows, window, rejects

    def metadata(self, place: TopicPartition) -> str:
        """Return the rejects in a row of a partition as metadata for its commit, or ""."""
        row = self._rows.get(place)
        return "" if row is None or not row.rejects else msgspec.json.encode(row).decode()

    def restore(self, committed: Mapping[TopicPartition, str]) -> None:
        """Restore the rejects in a row of partitions from the metadata of their last commits."""
        for place, text in committed.items():
            try:
                self._rows[place] = msgspec.json.decode(text, type=Row) if text else Row()
            except msgspec.DecodeError:
                self._rows[place] = Row()

    def _check(
        self, row: Row, window: deque[tuple[bool, str]], rejects: int, batch: Sequence[Seen]
    ) -> None:
        options = self._options
        if row.rejects >= options.rejects_in_a_row and len(row.domains) >= options.min_domains:
            self._trip(f"{row.rejects} rejects in a row", batch)
        share = rejects / len(window)
        if len(window) < options.min_records or share <= options.share:
            return
        domains = {domain for is_rejected, domain in window if is_rejected}
        if len(domains) >= options.min_domains:
            self._trip(f"{share:.0%} of the last {len(window)} records rejected", batch)

    def _trip(self, why: str, batch: Sequence[Seen]) -> None:
        rejected = [seen for seen in batch if seen.is_rejected]
        raise BreakerTripped(
            f"stage {self._stage} stops: {why}; nothing of this batch was written",
            value=", ".join(f"{seen.key} ({seen.reason})" for seen in rejected[:3]),
            origin=self._stage,
            remedy="see `news-ingest dead-letters list`, fix the cause, start again; "
            "`run --breaker off` lets records that are known to be bad pass",
        )


def _counted(row: Row, seen: Seen) -> Row:
    if not seen.is_rejected:
        return Row()
    short = hashlib.sha256(seen.domain.encode()).hexdigest()[:8]
    domains = row.domains if short in row.domains else (*row.domains, short)[:16]
    return Row(row.rejects + 1, domains)
