"""Every error of news-ingest.

NewsIngestError
├── ConfigError              wrong settings; holds all faults at once (exit 2)
├── UnknownName              a processor, source or option that nobody knows (exit 2)
├── QueryError               a search text that cannot be read; knows the position
├── DependencyUnavailable    the log or the index does not answer: hold, count nothing
│   ├── LogUnavailable
│   ├── IndexUnavailable
│   └── ArchiveUnavailable   the folder of fetched pages takes no writes
├── LogError
│   ├── LeaseLost            the group gave our partitions to somebody else
│   ├── RebalanceRunning     commit later
│   ├── RecordTooLarge       one record over the limit
│   ├── RecordRefused        one record the log will never take
│   ├── TopicMissing         (exit 2)
│   ├── TopicDiffers         (exit 2)
│   └── LogRefused           authentication, authorisation, version (exit 4)
├── IndexFault
│   ├── IndexDiffers         schema or engine does not fit (exit 2)
│   └── IndexRefused         authentication, authorisation (exit 4)
├── WireError                a record whose bytes are not what its topic promises
├── FetchFailed              an HTTP request that ended without an answer we can use
├── SourceError              bytes that are no feed we can read
└── BreakerTripped           too many rejects (exit 3)
"""

from __future__ import annotations

from typing import NamedTuple


class NewsIngestError(Exception):
    """Any error that news-ingest raises on purpose.

    Says what failed, on which value, where it came from and what to do; each part is an
    attribute too. `exit_code` is what a command ends with when nothing handles the error.
    """

    exit_code = 1

    def __init__(
        self,
        what: str,
        *,
        value: object = None,
        origin: str | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(what, value, origin, remedy)
        self.what = what
        self.value = value
        self.origin = origin
        self.remedy = remedy

    def __str__(self) -> str:
        parts = [self.what]
        if self.value is not None:
            parts.append(f"value: {_shortened(self.value)}")
        if self.origin is not None:
            parts.append(f"from: {self.origin}")
        if self.remedy is not None:
            parts.append(f"to do: {self.remedy}")
        return " · ".join(parts)

    def __reduce__(self) -> tuple[object, ...]:
        """Return the parts of a copy, so that errors cross process borders whole."""
        return (_rebuild, (type(self), self.args, self.__dict__))


def _rebuild(
    kind: type[NewsIngestError], args: tuple[object, ...], state: dict[str, object]
) -> NewsIngestError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(state)
    return error


def _shortened(value: object, limit: int = 300) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


class ConfigFault(NamedTuple):
    """One thing wrong in the configuration, with all a person needs to mend it."""

    file: str
    line: int | None
    key: str
    value: object
    reason: str
    remedy: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        value = "" if self.value in (None, "") else f" = {_shortened(self.value, 120)}"
        return f"{place}: {self.key}{value}: {self.reason}; {self.remedy}"


class ConfigError(NewsIngestError):
    """The configuration cannot be used; `faults` holds everything wrong with it."""

    exit_code = 2

    def __init__(self, faults: list[ConfigFault]) -> None:
        self.faults = faults
        count = len(faults)
        lines = "\n".join(f"  {fault}" for fault in faults)
        super().__init__(f"{count} fault{'s' if count != 1 else ''} in the configuration:\n{lines}")


class UnknownName(NewsIngestError):
    """A name in the configuration that nothing answers to; the nearest known one is named."""

    exit_code = 2


class QueryError(NewsIngestError):
    """A search text that cannot be read; `position` counts characters from 0."""

    exit_code = 2

    def __init__(
        self, what: str, *, query: str, position: int | None = None, remedy: str | None = None
    ) -> None:
        place = None if position is None else f"character {position + 1} of the query"
        super().__init__(what, value=query, origin=place, remedy=remedy)
        self.position = position


class DependencyUnavailable(NewsIngestError):
    """Something the work needs does not answer now: hold, and count no attempt."""

    exit_code = 2
    #: Somebody waited the whole start timeout for it already.
    was_waited_for = False


class LogUnavailable(DependencyUnavailable):
    """The log does not answer, or not in time."""


class IndexUnavailable(DependencyUnavailable):
    """The index does not answer, not in time, or takes no writes for now."""


class ArchiveUnavailable(DependencyUnavailable):
    """The folder of fetched pages cannot be written: full, read-only, gone."""


class LogError(NewsIngestError):
    """The log answered, and the answer is not what was asked for."""


class LeaseLost(LogError):
    """The group gave our partitions to another member; nothing was committed."""


class RebalanceRunning(LogError):
    """The group is being shared out anew; read once, then commit again."""


class RecordTooLarge(LogError):
    """One record is over the limit of its topic; nothing of it was written."""


class RecordRefused(LogError):
    """The log will never take this record."""


class TopicMissing(LogError):
    """A topic does not exist."""

    exit_code = 2


class TopicDiffers(LogError):
    """A topic exists with other partitions or settings than the manifest says."""

    exit_code = 2


class LogRefused(LogError):
    """The log refuses this client: authentication, authorisation, version, foreign file."""

    exit_code = 4


class IndexFault(NewsIngestError):
    """The index answered, and the answer is not what was asked for."""


class IndexDiffers(IndexFault):
    """The engine or its schema does not fit this version of news-ingest."""

    exit_code = 2


class IndexRefused(IndexFault):
    """The index refuses this client: authentication or authorisation."""

    exit_code = 4


class WireError(NewsIngestError):
    """Bytes of a record that are not what its topic promises: rejected as permanent."""


class FetchFailed(NewsIngestError):
    """A request that ended without a usable answer.

    `kind` is one of: dns_temporary, name_unknown, connect, timeout, tls, bad_response,
    too_many_redirects, address_not_public, body_too_large, bad_url.
    """

    def __init__(
        self,
        what: str,
        *,
        kind: str,
        value: object = None,
        origin: str | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(what, value=value, origin=origin, remedy=remedy)
        self.kind = kind


class SourceError(NewsIngestError):
    """Bytes that are no feed we can read.

    `kind` is one of: not_a_feed, empty_body, parse_failed.
    """

    def __init__(
        self,
        what: str,
        *,
        kind: str,
        value: object = None,
        origin: str | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(what, value=value, origin=origin, remedy=remedy)
        self.kind = kind


class BreakerTripped(NewsIngestError):
    """So many records were rejected that going on would empty a topic into the dead letters."""

    exit_code = 3
