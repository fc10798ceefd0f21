"""Decides what a response of the engine means for one document or one request."""

from __future__ import annotations

from typing import Any, NamedTuple

from ingest.ports import Verdict

WRITTEN = Verdict("written")
OLDER = Verdict("older")

_DISK_BLOCK = "cluster_block_exception"
_BUSY_TYPES = (
    "circuit_breaking_exception",
    "es_rejected_execution_exception",
    "index_closed_exception",
    "unavailable_shards_exception",
)
_UNAVAILABLE_STATUSES = (408, 429)
#: Server errors of one item that every item would get. Another one is about the item.
_SERVER_STATUSES = (502, 503, 504)
_REFUSED_STATUSES = (401, 403)
_FOREIGN_TYPE = "media_type_header_exception"


class EngineAnswer(NamedTuple):
    """One response of the engine: HTTP status, type of the error ("" for none) and its reason."""

    status: int
    type: str = ""
    reason: str = ""

    @classmethod
    def of(cls, status: int, error: Any) -> EngineAnswer:
        """Read the `error` of an item or a request, with its cause."""
        if not error:
            return cls(status)
        if not isinstance(error, dict):
            return cls(status, "", str(error)[:1000])
        reason = str(error.get("reason", ""))
        cause = error.get("caused_by")
        if isinstance(cause, dict) and cause.get("reason"):
            reason = f"{reason} ({cause['reason']})"
        return cls(status, str(error.get("type", "")), reason[:1000])


def is_disk_block(answer: EngineAnswer) -> bool:
    """Return whether the engine accepts no writes because its disk is full."""
    return answer.type == _DISK_BLOCK


def is_refusal(answer: EngineAnswer) -> bool:
    """Return whether this client is not authorised."""
    return answer.status in _REFUSED_STATUSES and not is_disk_block(answer)


def is_foreign_version(answer: EngineAnswer) -> bool:
    """Return whether the versions of client and engine are not compatible."""
    return answer.status == 406 or answer.type == _FOREIGN_TYPE


def is_unavailable(answer: EngineAnswer) -> bool:
    """Return whether the same request may succeed later."""
    return (
        answer.status in _UNAVAILABLE_STATUSES
        or answer.status >= 500
        or answer.type in _BUSY_TYPES
        or is_disk_block(answer)
    )


def is_month_missing(answer: EngineAnswer) -> bool:
    """Return whether the index of a document's month does not exist yet."""
    return answer.status == 404 and answer.type == "index_not_found_exception"


def is_about_the_request(answer: EngineAnswer) -> bool:
    """Return whether a whole request was rejected: its items are then sent one by one."""
    return answer.status in (400, 413)


def verdict(answer: EngineAnswer) -> Verdict | None:
    """Return the result for one item of a bulk request; None if it is not about the item."""
    if answer.status in (200, 201):
        return WRITTEN
    if answer.status == 409:
        return OLDER
    if answer.status == 413:
        return Verdict("refused", "too_large", answer.reason)
    code = answer.type or f"http_{answer.status}"
    if _is_failure(answer):
        return Verdict("failed", code, answer.reason)
    is_about_all = is_unavailable(answer) or is_refusal(answer) or is_foreign_version(answer)
    if is_about_all or is_month_missing(answer):
        return None
    return Verdict("refused", code, answer.reason)


def _is_failure(answer: EngineAnswer) -> bool:
    """Return whether the engine failed on this item; it may succeed later."""
    is_busy = answer.type in _BUSY_TYPES or is_disk_block(answer)
    return answer.status >= 500 and answer.status not in _SERVER_STATUSES and not is_busy
