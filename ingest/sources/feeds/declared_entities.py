"""Entities that a document declares: harmless ones are put in place here, all others refused.

An XML parser would expand them, and a few hundred bytes can stand for gigabytes.
"""

from __future__ import annotations

import re

from ingest.errors import SourceError
from ingest.sources.feeds.decode_feed import prolog_of

#: The full set of HTML's names has 253.
MAX_ENTITIES = 1_000
MAX_VALUE_CHARACTERS = 500
#: All values together may make a document so much longer.
MAX_GROWTH_CHARACTERS = 1024 * 1024

_ENTITY = re.compile("<!ENTITY", re.IGNORECASE)
_PUBLIC_SETS = re.compile(r"<!ENTITY\s+%\s+\S+\s+PUBLIC\s+[\"']-//W3C//ENTITIES ")
_START = re.compile("<!DOCTYPE", re.IGNORECASE)
_DOCTYPE = re.compile(
    r"<!DOCTYPE[^\[\]<>\"']*(?:\"[^\"]*\"[^\[\]<>\"']*|'[^']*'[^\[\]<>\"']*)*"
    r"(?:\[(?P<inner>(?:[^\]\"']|\"[^\"]*\"|'[^']*')*)\]\s*)?>",
    re.IGNORECASE,
)
_PLAIN = re.compile(r"<!ENTITY\s+([A-Za-z_][\w.-]*)\s+(?:\"([^\"]*)\"|'([^']*)')\s*>")
_CHARACTER = re.compile(r"&#(?:x[0-9a-fA-F]{1,6}|[0-9]{1,7});|&(?:lt|gt|amp|quot|apos);")
_REFERENCE = re.compile(r"&([A-Za-z_][\w.-]*);")


def refuse_declared_entities(text: str) -> None:
    """Let a document pass only when it declares no entities of its own.

    The public HTML entity sets may be named. Errors: SourceError (parse_failed).
    """
    if _declared(text):
        raise _refusal()


def resolve_declared_entities(text: str) -> str:
    """Return the document without entities of its own: those that stand for plain text in place.

    One that names another entity, markup or a file is refused with the document, and so is one
    that is long or used so often that the document would grow by more than a mebibyte.
    Errors: SourceError (parse_failed).
    """
    if not _declared(text):
        return text
    start = _START.search(text)
    found = _DOCTYPE.match(text, start.start()) if start else None
    values = _plain_values(found["inner"] or "") if found else None
    if found is None or values is None:
        raise _refusal()
    rest = text[: found.start()] + text[found.end() :]
    names = _REFERENCE.findall(rest)
    growth = sum(len(values.get(name, "")) for name in names)
    if growth > MAX_GROWTH_CHARACTERS or _declared(rest):
        raise _refusal()
    return _REFERENCE.sub(lambda one: values.get(one[1], one[0]), rest)


def _declared(text: str) -> bool:
    if "<!doctype" not in prolog_of(text).lower():
        return False
    return len(_ENTITY.findall(text)) > len(_PUBLIC_SETS.findall(text))


def _plain_values(inner: str) -> dict[str, str] | None:
    """Return name → value when every entity declared here stands for plain text."""
    declared = _PLAIN.findall(inner)
    public = len(_PUBLIC_SETS.findall(inner))
    if len(declared) + public != len(_ENTITY.findall(inner)) or len(declared) > MAX_ENTITIES:
        return None
    values: dict[str, str] = {}
    for name, double, single in declared:
        value = double or single
        if len(value) > MAX_VALUE_CHARACTERS or not _is_plain(value):
            return None
        values.setdefault(name, value)
    return values


def _is_plain(value: str) -> bool:
    return not any(mark in _CHARACTER.sub("", value) for mark in "&<%")


def _refusal() -> SourceError:
    return SourceError(
        "the document declares XML entities of its own",
        kind="parse_failed",
        value="entity_declared",
        remedy="such documents are refused: entities can expand to gigabytes or to files",
    )
