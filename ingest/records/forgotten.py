"""What is forgotten: documents and sites that are kept out, by the records of `news.forgotten`."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from ingest.errors import WireError
from ingest.identity import canonical_url, document_id_of_url, host_of, match_key
from ingest.ports import Log
from ingest.records.reading import values
from ingest.wire import decode

TOPIC = "news.forgotten"
#: The reason of the drops of what is forgotten.
FORGOTTEN = "forgotten"


class Forgotten(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One decision. `kind` is id, url (a match key), domain or publisher.

    `asked` is what its user typed: one request may need several decisions.
    """

    kind: str
    value: str
    asked: str
    reason: str
    by: str
    at: datetime
    undone_by: str = ""
    undone_at: datetime | None = None

    @property
    def key(self) -> str:
        """Return the key of its record."""
        return f"{self.kind}:{self.value}"


class FileChange(msgspec.Struct, frozen=True):
    """A file of the page archive with forgotten pages. `left` says why they are still in it: open, damaged."""

    name: str
    pages: int
    left: str = ""


class _Entry(msgspec.Struct, frozen=True, kw_only=True):
    id: str = ""
    url_published: str = ""
    url_redirected: str = ""
    publisher: str = ""


class KnownAs(_Entry, frozen=True, kw_only=True):
    """What an entry, page or document calls itself: whatever its type, the rest is not decoded."""

    document_id: str = ""
    entry_id: str = ""
    url_canonical: str = ""
    url_final: str = ""
    entry: _Entry = _Entry()

    @property
    def urls(self) -> set[str]:
        own = {self.url_published, self.url_redirected, self.url_canonical, self.url_final}
        return (own | {self.entry.url_published, self.entry.url_redirected}) - {""}

    def of(self, kind: str) -> set[str]:
        """Return what a decision of this kind may name; nothing for one of a newer version."""
        match kind:
            case "id":
                made = {document_id_of_url(canonical_url(one)) for one in self.urls}
                return {self.id, self.document_id, self.entry_id, self.entry.id} | made
            case "url":
                return {match_key(one) for one in self.urls}
            case "domain":
                return {part for one in self.urls for part in _domains(host_of(one))}
            case "publisher":
                return {self.publisher.casefold(), self.entry.publisher.casefold()}
            case _:
                return set()


def names_of(value: object) -> KnownAs:
    """Return the names of an entry, a page or a document."""
    return msgspec.convert(value, KnownAs, from_attributes=True)


def names_in(value: bytes | None) -> KnownAs:
    """Return the names in a record; none if it cannot be read."""
    try:
        return decode(value, KnownAs)
    except WireError:
        return KnownAs()


class Forgets:
    """All decisions that are in force."""

    def __init__(self, decisions: Iterable[Forgotten] = ()) -> None:
        self._values: dict[str, set[str]] = {}
        for one in decisions:
            if one.undone_at is None:
                self._values.setdefault(one.kind, set()).add(one.value)

    def __bool__(self) -> bool:
        return bool(self._values)

    def has(self, names: KnownAs) -> bool:
        """Return whether something with these names is kept out."""
        return any(not values.isdisjoint(names.of(kind)) for kind, values in self._values.items())


class ForgetsReader:
    """Follows the topic for one consumer group."""

    def __init__(self, log: Log, group: str) -> None:
        self._log, self._group = log, group
        self._ends: list[int] = []
        self._read_at = float("-inf")
        self.now = Forgets()

    def read(self, max_age_seconds: float = 0) -> bool:
        """Read what was decided since; return whether anything was. Errors: LogUnavailable."""
        if time.monotonic() < self._read_at + max_age_seconds:
            return False
        started = time.monotonic()
        ends = [one.end for one in self._log.lag(self._group, [TOPIC], with_times=False)]
        is_new = ends != self._ends and any(ends)
        if is_new:
            self.now = Forgets(decisions(self._log))
        self._ends, self._read_at = ends, started
        return is_new


def decisions(log: Log) -> list[Forgotten]:
    """Return all decisions, undone ones too, oldest first."""
    return sorted((one for _, one in values(log, TOPIC, Forgotten)), key=lambda one: one.at)


def _domains(host: str) -> Iterator[str]:
    """Yield the host and the domains it is in."""
    while host:
        yield host
        host = host.partition(".")[2]
