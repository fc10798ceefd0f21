"""Decides what an answer or a failed request means for the entry whose page was requested."""

from __future__ import annotations

import re
from datetime import datetime
from typing import NamedTuple, TypeAlias

from ingest.dates import retry_after
from ingest.errors import FetchFailed
from ingest.ports import Disallowed, Fetched, Resting


class PageFound(NamedTuple):
    """The page was fetched; `kind` is html or text."""

    kind: str


class PageMissing(NamedTuple):
    """There is no page, and a retry would not help: the text of the feed is used."""

    reason: str
    status: int = 0


class RetryLater(NamedTuple):
    """A retry may help. `counts` is False if the page was not really requested."""

    reason: str
    after_seconds: float | None = None
    counts: bool = True
    status: int = 0
    message: str = ""


class Rejected(NamedTuple):
    """The URL must not be requested."""

    reason: str
    message: str = ""


class Redirected(NamedTuple):
    """The page is at another domain."""

    url: str


PageVerdict: TypeAlias = PageFound | PageMissing | RetryLater | Rejected | Redirected

_RETRY_KINDS = ("timeout", "connect", "dns_temporary", "name_unknown", "tls", "bad_response")
_REJECTED_KINDS = ("address_not_public", "bad_url")
_RETRY_STATUSES = (408, 425)
_HTML_TYPES = ("text/html", "application/xhtml+xml")
_UNCLEAR_TYPES = ("", "application/octet-stream", "application/xml", "text/xml", "unknown/unknown")
#: First bytes of files that are not pages whatever their media type: PDF, PNG, JPEG, …
_FILE_MARKS = (b"%PDF-", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"\x1f\x8b", b"OggS")
_HTML_MARK = re.compile(rb"<(?:!doctype\s+html|html|head|body|article|title)\b", re.IGNORECASE)


def verdict_of_failure(error: FetchFailed) -> PageVerdict:
    """Return the verdict of a failed request."""
    if error.kind in _REJECTED_KINDS:
        return Rejected(error.kind, str(error))
    if error.kind in _RETRY_KINDS:
        return RetryLater(error.kind, message=str(error))
    return PageMissing(error.kind)


def verdict_of_answer(answer: Fetched | Disallowed | Resting, now: datetime) -> PageVerdict:
    """Return the verdict of an answer."""
    if isinstance(answer, Resting):
        return RetryLater(
            answer.reason, max(0.0, (answer.until - now).total_seconds()), counts=False
        )
    if isinstance(answer, Disallowed):
        if answer.reason == "robots_unreachable":
            return RetryLater(answer.reason)
        return PageMissing(answer.reason)
    if answer.redirect_to:
        return Redirected(answer.redirect_to)
    if 200 <= answer.status < 300:
        return _verdict_of_body(answer)
    return _verdict_of_status(answer, now)


def _verdict_of_status(answer: Fetched, now: datetime) -> PageVerdict:
    status = answer.status
    reason = f"http_{status}"
    if (answer.header("cf-mitigated") or "").lower() == "challenge":
        return PageMissing("bot_block", status)
    if status == 429 or status >= 500 or status in _RETRY_STATUSES:
        wait = retry_after(answer.header("retry-after"), now, answer.header("date"))
        return RetryLater(reason, None if wait is None else wait.total_seconds(), status=status)
    return PageMissing(reason, status)


def _verdict_of_body(answer: Fetched) -> PageVerdict:
    body = answer.body
    start = body[:4096].lstrip()
    if not start and not body.strip():
        return PageMissing("empty_body", answer.status)
    kind = _kind((answer.header("content-type") or "").partition(";")[0].strip().lower(), start)
    return PageFound(kind) if kind else PageMissing("wrong_type", answer.status)


def _kind(media_type: str, start: bytes) -> str:
    if start.startswith(_FILE_MARKS):
        return ""
    if media_type in _HTML_TYPES:
        return "html"
    if media_type in _UNCLEAR_TYPES:
        return "html" if _HTML_MARK.search(start) else ""
    if media_type == "text/plain":
        return "html" if _HTML_MARK.match(start) else _kind_of_text(start)
    return ""


def _kind_of_text(start: bytes) -> str:
    is_wide = start.startswith((b"\xff\xfe", b"\xfe\xff"))  # UTF-16 is full of zeros
    return "text" if is_wide or b"\0" not in start else ""
