"""Ownership of a consumer group: one member at a time, by a lease with a generation."""

from __future__ import annotations

import time

from ingest import telemetry
from ingest.adapters.sqlite_file import Row
from ingest.adapters.sqlite_log.database import Connection
from ingest.errors import LeaseLost
from ingest.settings.options import LogOptions

#: How many times a lease is renewed while it lasts (15 s: every 3 s).
_RENEWALS = 5

_taken = telemetry.Event("log_lease_taken", counts="rebalances_total")
_standing_by = telemetry.Event("log_standing_by")
_lost = telemetry.Event("log_lease_lost", level="warning")


class Lease:
    """One member's share in its group: all partitions, or none while it stands by.

    `generation` is None while it stands by. Methods with a connection run in the thread that
    writes, inside its transaction; the others run in the reader's thread.
    """

    def __init__(self, group: str, member: str, options: LogOptions) -> None:
        self.group = group
        self.member = member
        self.generation: int | None = None
        self._lease_ms = int(options.session_timeout_seconds * 1000)
        self._poll_interval_seconds = options.poll_interval_seconds
        shortest = min(options.session_timeout_seconds, options.poll_interval_seconds)
        self.renew_seconds = shortest / _RENEWALS
        self._read_at = time.monotonic()
        self._is_reading = False
        self._lost_generation: int | None = None
        self._has_logged = False

    # The reader's thread.

    def begin_read(self) -> None:
        self._is_reading = True
        self._read_at = time.monotonic()

    def end_read(self) -> None:
        self._read_at = time.monotonic()
        self._is_reading = False

    @property
    def is_lost(self) -> bool:
        return self.generation is not None and self._lost_generation == self.generation

    def is_held_in(self, row: Row | None) -> bool:
        """Return whether this row of the lease table (generation, owner, …) names this member."""
        return row is not None and row[0] == self.generation and row[1] == self.member

    def can_be_taken(self, row: Row | None, now_ms: int) -> bool:
        """Return whether no other member holds it: no row, released, expired, or ours from before."""
        if row is None:
            return True
        _, owner, until_ms, lease_ms = row
        # An end more than a whole lease away means that the clock was set back.
        return owner in (None, self.member) or until_ms <= now_ms or until_ms > now_ms + lease_ms

    def won(self, generation: int) -> None:
        self.generation = generation
        self._has_logged = False
        _taken(group=self.group, generation=generation)

    def drop(self) -> None:
        """Note that another member owns the partitions now."""
        _lost(group=self.group, generation=self.generation)
        self.generation = None

    def note_standing_by(self, owner: str) -> None:
        """Log once that another member works and this one waits."""
        if not self._has_logged:
            self._has_logged = True
            _standing_by(group=self.group, owner=owner)

    # The thread that writes.

    def take(self, connection: Connection, now_ms: int) -> int | None:
        """Take the group if it is free and return the new generation, else None."""
        self._register(connection, now_ms)
        row = read_row(connection, self.group)
        if not self.can_be_taken(row, now_ms):
            return None
        generation = 1 if row is None else int(row[0]) + 1
        connection.change(
            "INSERT OR REPLACE INTO lease VALUES (?, ?, ?, ?, ?)",
            (self.group, generation, self.member, now_ms + self._lease_ms, self._lease_ms),
        )
        return generation

    def renew(self, connection: Connection, now_ms: int) -> bool:
        """Extend the lease; release it when nothing was read for too long."""
        if not self._is_reading and self._read_age_ms() > self._poll_interval_seconds * 1000:
            self._release(connection)
            self._lost_generation = self.generation
            return False
        self._register(connection, now_ms)
        generation = self.generation
        if generation is not None:
            renewed = connection.change(
                "UPDATE lease SET lease_until_ms = ?, lease_ms = ?"
                " WHERE group_name = ? AND owner = ? AND generation = ?",
                (now_ms + self._lease_ms, self._lease_ms, self.group, self.member, generation),
            ).rowcount
            if not renewed:
                self._lost_generation = generation
        return False

    def leave(self, connection: Connection, _now_ms: int) -> None:
        """Release the lease and leave the group."""
        self._release(connection)

    def check(self, connection: Connection) -> int:
        """Return the generation for a commit. Errors: LeaseLost when another member owns the group."""
        row = read_row(connection, self.group)
        if self.generation is None or not self.is_held_in(row):
            raise LeaseLost(
                "another member owns the group now, nothing was committed",
                value=self.group,
                origin=f"generation {self.generation}, now {row[0] if row else 'none'}",
                remedy="read on: its new owner repeats the work since the last commit",
            )
        return self.generation

    def _read_age_ms(self) -> int:
        return int((time.monotonic() - self._read_at) * 1000)

    def _register(self, connection: Connection, now_ms: int) -> None:
        connection.change(
            "INSERT OR REPLACE INTO member VALUES (?, ?, ?, ?)",
            (self.group, self.member, now_ms + self._lease_ms, now_ms - self._read_age_ms()),
        )
        connection.change(
            "DELETE FROM member WHERE group_name = ? AND lease_until_ms < ?",
            (self.group, now_ms - self._lease_ms),
        )

    def _release(self, connection: Connection) -> None:
        connection.change(
            "UPDATE lease SET owner = NULL, lease_until_ms = 0 WHERE group_name = ? AND owner = ?",
            (self.group, self.member),
        )
        connection.change(
            "DELETE FROM member WHERE group_name = ? AND member = ?", (self.group, self.member)
        )


def read_row(connection: Connection, group: str) -> Row | None:
    """Return generation, owner, lease_until_ms and lease_ms of a group."""
    return connection.first(
        "SELECT generation, owner, lease_until_ms, lease_ms FROM lease WHERE group_name = ?",
        (group,),
    )


def members(connection: Connection, group: str, now_ms: int) -> int:
    """Return the number of live members, including those that stand by."""
    return connection.number(
        "SELECT count(*) FROM member WHERE group_name = ? AND lease_until_ms > ?", (group, now_ms)
    )
