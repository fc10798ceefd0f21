"""What becomes of one record in one stage: Keep, Drop, Retry or Reject."""

from __future__ import annotations

from typing import Generic, TypeAlias, TypeVar

import msgspec

Value = TypeVar("Value")

#: Why something is rejected: decides between retry topic and dead letter.
FAILURE_CLASSES = ("transient", "permanent", "timeout", "bug")


class Keep(msgspec.Struct, Generic[Value], frozen=True):
    """The record goes on as `value`."""

    value: Value


class Drop(msgspec.Struct, frozen=True):
    """The record ends here, on purpose or as a known loss; it is written to `news.drops`."""

    reason: str
    is_intended: bool = True


class Retry(msgspec.Struct, frozen=True):
    """Try the record again later.

    Units: `after_seconds` is the wish of whoever failed (Retry-After); None takes the next
    rung. `counts_attempt=False` parks it (a full queue, a resting host) without using one up.
    """

    reason: str
    after_seconds: float | None = None
    counts_attempt: bool = True
    message: str = ""


class Reject(msgspec.Struct, frozen=True):
    """The record is set aside as a dead letter."""

    reason: str
    failure_class: str = "permanent"
    message: str = ""
    exception: str = ""
    stacktrace: str = ""
    processor: str = ""


Outcome: TypeAlias = Keep[Value] | Drop | Retry | Reject
