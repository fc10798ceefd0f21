"""Every error of news-ingest.

NewsIngestError
├── ConfigError              invalid settings; holds all faults at once (exit 2)
├── UnknownName              an unknown processor, source or option (exit 2)
├── WrongArgument            an argument of a verb (exit 2)
├── QueryError               a search text that cannot be parsed, with the position (exit 2)
├── DependencyUnavailable    the log or the index does not answer: hold, count no attempt (exit 2)
│   ├── LogUnavailable
│   ├── IndexUnavailable
│   ├── ArchiveUnavailable   the folder of fetched pages cannot be written
│   └── BacklogFull          too much waits in the log for the later stages
├── LogError
│   ├── LeaseLost            our partitions were assigned to another member
│   ├── RebalanceRunning     commit later
│   ├── RecordTooLarge       one record is over the limit
│   ├── RecordRefused        the log will never accept this record
│   ├── TopicMissing         (exit 2)
│   ├── TopicDiffers         (exit 2)
│   └── LogRefused           authentication, authorisation, version (exit 4)
├── IndexFault
│   ├── IndexDiffers         the schema or the engine does not match (exit 2)
│   └── IndexRefused         authentication, authorisation (exit 4)
├── WireError                the bytes of a record do not match the schema of its topic
├── ErrorOfKind
│   ├── FetchFailed          an HTTP request ended without a usable response
│   └── SourceError          a document is not a readable feed
└── BreakerTripped           too many rejects (exit 3)
"""

from __future__ import annotations

from typing import NamedTuple

from ingest.masking import masked


class NewsIngestError(Exception):
    """Base class of all errors that news-ingest raises.

    It says what failed, on which value, where the value came from and what to do; each part is
    also an attribute. As text it shows no secret. `exit_code` is the exit status of a command if nothing handles the error.
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
        return masked(" · ".join(parts))

    def __reduce__(self) -> tuple[object, ...]:
        """Return the parts of a copy, so that errors can be sent to other processes unchanged."""
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
    """One fault in the configuration, with everything needed to fix it."""

    file: str
    line: int | None
    key: str
    value: object
    reason: str
    remedy: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        value = "" if self.value in (None, "") else f" = {_shortened(self.value, 120)}"
        return masked(f"{place}: {self.key}{value}: {self.reason}; {self.remedy}")


class ConfigError(NewsIngestError):
    """The configuration is invalid; `faults` lists everything that is wrong."""

    exit_code = 2

    def __init__(self, faults: list[ConfigFault]) -> None:
        self.faults = faults
        count = len(faults)
        lines = "\n".join(f"  {fault}" for fault in faults)
        super().__init__(f"{count} fault{'s' if count != 1 else ''} in the configuration:\n{lines}")


class UnknownName(NewsIngestError):
    """An unknown name in the configuration; the message suggests the nearest known one."""

    exit_code = 2


class WrongArgument(NewsIngestError):
    """A verb cannot do anything with this argument."""

    exit_code = 2


class QueryError(NewsIngestError):
    """A search text that cannot be parsed; `position` counts characters from 0."""

    exit_code = 2

    def __init__(
        self, what: str, *, query: str, position: int | None = None, remedy: str | None = None
    ) -> None:
        place = None if position is None else f"character {position + 1} of the query"
        super().__init__(what, value=query, origin=place, remedy=remedy)
        self.position = position


class DependencyUnavailable(NewsIngestError):
    """A dependency does not answer now: hold, and count no attempt."""

    exit_code = 2
    #: What is unavailable, for health and metrics.
    dependency = "dependency"
    #: Whether the start timeout has already been spent waiting for it.
    was_waited_for = False


class LogUnavailable(DependencyUnavailable):
    """The log does not answer, or not in time."""

    dependency = "log"


class IndexUnavailable(DependencyUnavailable):
    """The index does not answer, or not in time, or accepts no writes at the moment."""

    dependency = "index"


class ArchiveUnavailable(DependencyUnavailable):
    """The folder of fetched pages cannot be written: full, read-only, gone."""

    dependency = "archive"


class BacklogFull(DependencyUnavailable):
    """Too much waits in the log for the later stages."""

    dependency = "backlog"


class LogError(NewsIngestError):
    """The log answered with an error."""


class LeaseLost(LogError):
    """The group assigned our partitions to another member; nothing was committed."""


class RebalanceRunning(LogError):
    """The group is rebalancing; read once, then commit again."""


class RecordTooLarge(LogError):
    """One record is over the limit of its topic; nothing of it was written."""


class RecordRefused(LogError):
    """The log will never accept this record."""


class TopicMissing(LogError):
    """A topic does not exist."""

    exit_code = 2


class TopicDiffers(LogError):
    """A topic exists with partitions or settings that differ from the manifest."""

    exit_code = 2


class LogRefused(LogError):
    """The log rejected this client: authentication, authorisation, version, foreign file."""

    exit_code = 4


class IndexFault(NewsIngestError):
    """The index answered with an error."""


class IndexDiffers(IndexFault):
    """The engine or its schema does not match this version of news-ingest."""

    exit_code = 2


class IndexRefused(IndexFault):
    """The index rejected this client: authentication or authorisation."""

    exit_code = 4


class WireError(NewsIngestError):
    """The bytes of a record do not match the schema of its topic: rejected as permanent."""


class ErrorOfKind(NewsIngestError):
    """An error whose `kind` is one of a fixed list."""

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


class FetchFailed(ErrorOfKind):
    """A request ended without a usable response.

    `kind` is one of: dns_temporary, name_unknown, connect, timeout, tls, bad_response,
    too_many_redirects, address_not_public, body_too_large, bad_url.
    """


class SourceError(ErrorOfKind):
    """A document is not a readable feed.

    `kind` is one of: not_a_feed, empty_body, parse_failed.
    """


class BreakerTripped(NewsIngestError):
    """Too many records were rejected: going on would move a whole topic to the dead letters."""

    exit_code = 3
