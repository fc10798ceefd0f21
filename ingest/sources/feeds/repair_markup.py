"""Fixes what makes an XML parser reject a feed: junk, bare ampersands, HTML names, own entities.

feedparser passes a rejected document to a lenient parser, which is slower and makes mistakes:
`AT&T` becomes `AT&T;`.
"""

from __future__ import annotations

import re
from html.entities import html5
from typing import NamedTuple

from lxml import etree

from ingest.errors import SourceError
from ingest.sources.feeds.decode_feed import HEAD_CHARACTERS, prolog_of

FEED_ROOTS = frozenset({"rss", "rdf", "feed", "channel", "entry"})

#: What may stand before the root element, and the start of an element.
_BEFORE = re.compile(
    r"<!--.*?(?:-->|\Z)|<\?.*?(?:\?>|\Z)|<((?:[A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*))(?=[\s/>])",
    re.DOTALL,
)
_DECLARATION = re.compile(r"<!DOCTYPE[^>\[]*(?:\[[^\]]*\]\s*)?>", re.IGNORECASE)
#: A feed inside another document: only if the element has the attributes of a feed.
_INNER = re.compile(
    r"<((?:[A-Za-z_][\w.-]*:)?(?:rss|rdf|feed))\s[^<>]{0,2000}?\b(?:version|xmlns(?::\w+)?)\s*=",
    re.IGNORECASE,
)
# Sections whose text is literal, and ampersands.
_AMPERSAND = re.compile(
    r"<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)"
    r"|&(?!(?:lt|gt|amp|quot|apos|#[0-9]+|#[xX][0-9A-Fa-f]+);)([A-Za-z][A-Za-z0-9]{0,31};)?",
    re.DOTALL,
)
_NUMBER = re.compile(r"&#(?:[0-9]+|[xX][0-9A-Fa-f]+);")
_NAMES = ("&lt;", "&gt;", "&amp;", "&quot;", "&apos;")

#: Maximum number of declared entities; HTML has 253.
MAX_ENTITIES = 1_000
MAX_VALUE_CHARACTERS = 500
#: Maximum growth of a document by the values of its entities.
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


class Repaired(NamedTuple):
    """The document, whether its root element is closed, and the number of fixes by kind."""

    text: str
    is_closed: bool
    oddities: dict[str, int]


def repaired(text: str) -> Repaired:
    """Return the root element of a document, with references that XML knows.

    Resolve the entities that the document declares before: its prolog is removed. Without an
    element of a feed, nothing is removed. Errors: none.
    """
    oddities: dict[str, int] = {}
    name, start = feed_root(text)
    is_closed = False
    if name:
        end = _end(text, name)
        is_closed = end > start or (not end and text.rstrip().endswith("</channel>"))
        if _is_junk(text[:start]):
            oddities["junk_before"] = 1
        if end and _is_junk(text[end:]):
            oddities["junk_after"] = 1
        text = text[start : end or len(text)]
    text, fixed = with_references(text)
    return Repaired(text, is_closed, oddities | fixed)


def feed_root(text: str) -> tuple[str, int]:
    """Return the name of the root element of the feed and its position; `("", 0)` without one."""
    for found in _BEFORE.finditer(text, 0, HEAD_CHARACTERS):
        if found[2] is None:
            continue
        if found[2].lower() in FEED_ROOTS:
            return found[1], found.start()
        inner = _INNER.search(text, found.start(), HEAD_CHARACTERS)
        return (inner[1], inner.start()) if inner else ("", 0)
    return "", 0


def with_references(text: str) -> tuple[str, dict[str, int]]:
    """Return a document with references that XML knows, and the number of fixes by kind.

    A parser in recovery mode drops unknown references: `?a=1&b=2` becomes `?a=1=2`.
    """
    if text.count("&") <= _known_references(text):
        return text, {}
    oddities: dict[str, int] = {}
    bare = named = 0

    def fixed(found: re.Match[str]) -> str:
        nonlocal bare, named
        if found[0][0] == "<":
            return found[0]
        reference = found[1] or ""
        characters = html5.get(reference)
        if characters is None:
            bare += 1
            return f"&amp;{reference}"
        named += 1
        return "".join(f"&#{ord(one)};" for one in characters)

    text = _AMPERSAND.sub(fixed, text)
    if bare:
        oddities["bare_ampersands"] = bare
    if named:
        oddities["html_entities"] = named
    return text, oddities


def xml_root(text: str, url: str | None = None) -> etree._Element | None:
    """Parse a document, ignoring broken parts, and return its root element; None without one.

    Errors: SourceError (parse_failed).
    """
    text, _ = with_references(text)
    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, recover=True, huge_tree=False
    )
    try:
        return etree.fromstring(text.encode("utf-8"), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise SourceError(
            "broken XML", kind="parse_failed", value=str(error), origin=url
        ) from error


def local_name(name: object) -> str:
    """Return the name of an element or attribute in lower case, without its namespace."""
    return name.rpartition("}")[2].lower() if isinstance(name, str) else ""


def refuse_declared_entities(text: str) -> None:
    """Raise SourceError (parse_failed) if a document declares entities of its own.

    References to the public HTML entity sets are allowed.
    """
    if _declared(text):
        raise _refusal()


def resolve_declared_entities(text: str) -> str:
    """Return the document with its declared entities replaced by their plain text.

    Errors: SourceError (parse_failed) if the value of an entity is long or contains another entity,
    markup or a file, or if the document would grow by more than 1 MiB.
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


def _end(text: str, name: str) -> int:
    """Return the end of the last end tag with this name, or 0. Its `>` may be missing."""
    at = text.rfind(f"</{name}")
    if at < 0:
        return 0
    found = re.compile(r"</[^\s<>]+\s*(?:>|\Z)").match(text, at)
    return found.end() if found and found[0][2:].rstrip("> \t\r\n") == name else 0


def _is_junk(text: str) -> bool:
    """Return whether the text is more than comments, instructions and a document type."""
    return bool(text) and bool(_DECLARATION.sub("", _BEFORE.sub(_shown, text)).strip())


def _shown(found: re.Match[str]) -> str:
    return found[0] if found[2] else ""


def _known_references(text: str) -> int:
    """Return the number of references that XML knows; counting is ten times faster than fixing."""
    numbers = len(_NUMBER.findall(text)) if "&#" in text else 0
    return numbers + sum(text.count(name) for name in _NAMES)


def _declared(text: str) -> bool:
    if "<!doctype" not in prolog_of(text).lower():
        return False
    return len(_ENTITY.findall(text)) > len(_PUBLIC_SETS.findall(text))


def _plain_values(inner: str) -> dict[str, str] | None:
    """Return name → value if the value of every declared entity is plain text, else None."""
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
