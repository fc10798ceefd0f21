"""Headers of records: CloudEvents in binary mode, the trace, and what a stage passes on."""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import lru_cache
from random import getrandbits

from ingest.ports import Headers, Record

#: Kinds of records and the version of their schema: `document/1.0`.
SCHEMA_VERSION = "1.0"
#: Headers that belong to one step and are made anew for the next.
_OWN = ("ce_", "content-type", "schema", "traceparent", "retry.", "dead-letter.")


def headers_for(
    kind: str, id: str, stage: str, at: datetime, content: bytes, source: Record | None = None
) -> list[tuple[str, bytes]]:
    """Return the headers of a new record.

    `kind` is entry, page, document, alert or feed-state. `ce_id` is the same when the same work
    is done twice: id and 16 hex digits of the hash of `content`. Headers of `source` that nobody here knows are passed
    on, and its trace is continued with a new span.
    """
    digest = hashlib.sha256(content).hexdigest()[:16]
    origin, type_, schema = _fixed(kind, stage)
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", f"{id}:{digest}".encode()),
        ("ce_source", origin),
        ("ce_type", type_),
        ("ce_time", at.isoformat().encode()),
        ("ce_subject", id.encode()),
        ("content-type", b"application/json"),
        ("schema", schema),
        ("traceparent", continued_trace(source).encode()),
        *(() if source is None else passed_on(source.headers)),
    ]


@lru_cache(maxsize=64)
def _fixed(kind: str, stage: str) -> tuple[bytes, bytes, bytes]:
    return (
        f"/news-ingest/{stage}".encode(),
        f"news.{kind}".encode(),
        f"{kind}/{SCHEMA_VERSION}".encode(),
    )


def passed_on(headers: Headers) -> list[tuple[str, bytes]]:
    """Return the headers that later stages get unchanged: those that are not a step's own."""
    return [(name, value) for name, value in headers if not name.startswith(_OWN)]


def continued_trace(source: Record | None) -> str:
    """Return a W3C traceparent: the source's trace with a new span, or a new trace."""
    old = None if source is None else source.header("traceparent")
    parts = (old or "").split("-")
    is_known = len(parts) == 4 and len(parts[1]) == 32
    # Nobody has to guess at these: the system's random bytes would cost two calls a record.
    digits = f"{getrandbits(192):048x}"
    trace = parts[1] if is_known else digits[16:]
    return f"00-{trace}-{digits[:16]}-01"
