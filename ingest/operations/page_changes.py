"""Compares the documents of one page without and with the rules of its site."""

from __future__ import annotations

import difflib
from datetime import datetime
from typing import Any

import msgspec

from ingest.model import Document

_MAX_VALUE_CHARACTERS = 300
_MAX_LINES = 60
#: Fields that differ in every extraction, or come from the page alone.
_NOT_COMPARED = frozenset((
    "extraction", "provenance", "page", "content_hash", "extracted_at", "id", "version", "entry_id",
    "first_seen_at", "fetched_at",
))  # fmt: skip


class FieldChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """One field that the rules change. `lines` are those of a text, marked "+ " or "- "."""

    field: str
    before: str
    after: str
    lines: tuple[str, ...] = ()


class RulesEffect(msgspec.Struct, frozen=True):
    """Which blocks of rules apply to a page, and what they change against none (or others)."""

    site: str
    against: str
    changes: tuple[FieldChange, ...]


def changes_between(before: Document, after: Document) -> tuple[FieldChange, ...]:
    """Return every field in which two documents of one page differ, the text by its lines.

    Values are cut to 300 characters, texts to 60 lines.
    """
    found = []
    for name in Document.__struct_fields__:
        old, new = getattr(before, name), getattr(after, name)
        if name in _NOT_COMPARED or old == new:
            continue
        if name == "text":
            words = (f"{len(old)} characters", f"{len(new)} characters")
            found.append(FieldChange(name, *words, _lines(old, new)))
        else:
            found.append(FieldChange(name, _shown(old), _shown(new)))
    for fact in ("mode", "outcome", "body_rule"):
        old, new = getattr(before.extraction, fact), getattr(after.extraction, fact)
        if old != new:
            found.append(FieldChange(f"extraction.{fact}", str(old), str(new)))
    return tuple(found)


def _lines(before: str, after: str) -> tuple[str, ...]:
    compared = difflib.unified_diff(before.split("\n"), after.split("\n"), lineterm="", n=0)
    marked = [line for line in compared if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    lines = [f"{line[0]} {line[1:]}"[:_MAX_VALUE_CHARACTERS] for line in marked if line[1:].strip()]
    if len(lines) > _MAX_LINES:
        lines = [*lines[:_MAX_LINES], f"  … {len(lines) - _MAX_LINES} more lines"]
    return tuple(lines)


def _shown(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        if value and isinstance(value[0], msgspec.Struct):
            return f"{len(value)}: {', '.join(one.url for one in value)}"[:_MAX_VALUE_CHARACTERS]
        return "; ".join(map(str, value))[:_MAX_VALUE_CHARACTERS]
    return "" if value is None else str(value)[:_MAX_VALUE_CHARACTERS]
