"""The outcome of one record in one stage: Keep, Drop, Retry or Reject."""

from __future__ import annotations

from typing import Generic, TypeAlias, TypeVar

import msgspec

Value = TypeVar("Value")


class Keep(msgspec.Struct, Generic[Value], frozen=True):
    """The record goes on to the next stage as `value`."""

    value: Value


class Drop(msgspec.Struct, frozen=True):
    """The record ends here, intended or as a known loss; it is written to `news.drops`."""

    reason: str
    is_intended: bool = True


class Retry(msgspec.Struct, frozen=True):
    """Try the record again later.

    `after_seconds` is the delay that was asked for (Retry-After); None uses the next retry topic.
    With `counts_attempt=False` the record waits (a full queue, a paused host) and no attempt is
    counted.
    """

    reason: str
    after_seconds: float | None = None
    counts_attempt: bool = True
    message: str = ""


class Reject(msgspec.Struct, frozen=True):
    """The record becomes a dead letter; `failure_class` is transient, permanent, timeout or bug."""

    reason: str
    failure_class: str = "permanent"
    message: str = ""
    exception: str = ""
    stacktrace: str = ""
    processor: str = ""


Outcome: TypeAlias = Keep[Value] | Drop | Retry | Reject
