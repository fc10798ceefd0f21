"""Reads and writes lists of feeds in OPML 2.0."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from lxml import etree

from ingest.errors import SourceError
from ingest.sources.feeds.decode_feed import decode_feed
from ingest.sources.feeds.repair_markup import local_name, refuse_declared_entities, xml_root

#: Maximum size of a file.
MAX_OPML_BYTES = 5 * 1024 * 1024
_MAX_DEPTH = 50
#: Length of the end of a file, where the end tag of the list is searched.
_END_CHARACTERS = 1_000
#: A scheme in front of addresses that makes a browser pass them to a feed reader.
_FOR_READERS = re.compile(r"feed:(?://)?(?=https?://)|feed:(?=//)", re.IGNORECASE)


class OpmlFeed(NamedTuple):
    """One feed of a list; `group` is the innermost folder, `line` counts from 1."""

    url: str
    title: str = ""
    home: str = ""
    group: str = ""
    line: int = 0


class OpmlInclude(NamedTuple):
    """Another list that this one includes."""

    url: str
    group: str
    line: int


class Opml(NamedTuple):
    """A list in the order of the file; `is_cut` if the file is truncated."""

    feeds: tuple[OpmlFeed, ...]
    includes: tuple[OpmlInclude, ...]
    is_cut: bool = False


def read_opml(body: bytes) -> Opml:
    """Return the feeds of a list: every outline with an `xmlUrl`, in any letter case.

    Addresses are not changed, and nothing is requested. Errors: SourceError (empty_body,
    parse_failed for broken XML and for declared entities, not_a_feed for another document).
    """
    decoded = decode_feed(body[:MAX_OPML_BYTES])
    refuse_declared_entities(decoded.text)
    text = decoded.text
    root = xml_root(text)
    if root is None or local_name(root.tag) not in ("opml", "body", "outline"):
        raise SourceError(
            "this is not an OPML list",
            kind="not_a_feed",
            value=None if root is None else f"root element {local_name(root.tag)}",
            remedy="export the list as OPML from your feed reader",
        )
    feeds: list[OpmlFeed] = []
    includes: list[OpmlInclude] = []
    for found in _outlines(root, "", 0):
        if isinstance(found, OpmlFeed):
            feeds.append(found)
        else:
            includes.append(found)
    is_cut = f"</{root.tag!s}" not in text[-_END_CHARACTERS:] and not text.rstrip().endswith("/>")
    return Opml(tuple(feeds), tuple(includes), is_cut)


def write_opml(feeds: Iterable[OpmlFeed], title: str) -> bytes:
    """Return the list as OPML 2.0 in UTF-8; feeds of a group are in one folder, in their order."""
    root = etree.Element("opml", version="2.0")
    head = etree.SubElement(root, "head")
    etree.SubElement(head, "title").text = title
    body = etree.SubElement(root, "body")
    folders: dict[str, etree._Element] = {}
    for feed in feeds:
        holder = body
        if feed.group:
            if feed.group not in folders:
                folders[feed.group] = etree.SubElement(
                    body, "outline", text=_legal(feed.group), title=_legal(feed.group)
                )
            holder = folders[feed.group]
        outline = etree.SubElement(
            holder,
            "outline",
            type="rss",
            text=_legal(feed.title or feed.url),
            title=_legal(feed.title or feed.url),
            xmlUrl=_legal(feed.url),
        )
        if feed.home:
            outline.set("htmlUrl", _legal(feed.home))
    written: bytes = etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)
    return written


def has_credentials(url: str) -> bool:
    """Return whether a URL contains a user name or a password; False if it cannot be parsed."""
    try:
        parts = urlsplit(url.strip())
        return parts.username is not None or parts.password is not None
    except ValueError:
        return False


def _outlines(element: etree._Element, group: str, depth: int) -> Iterator[OpmlFeed | OpmlInclude]:
    for child in element.iterchildren():
        name = local_name(child.tag)
        if name == "body":
            yield from _outlines(child, group, depth)
        if name != "outline":
            continue
        values = {local_name(key): value.strip() for key, value in child.attrib.items()}
        title = " ".join((values.get("title") or values.get("text") or "").split())
        line = int(child.sourceline or 0)
        url = values.get("xmlurl")
        if url:
            yield OpmlFeed(_address(url), title, values.get("htmlurl", ""), group, line)
        elif values.get("type", "").lower() == "include" and values.get("url"):
            yield OpmlInclude(values["url"], group, line)
        if depth < _MAX_DEPTH:
            # An outline inside a feed belongs to the group of the feed.
            inner = group if url else title or group
            yield from _outlines(child, inner, depth + 1)


def _address(text: str) -> str:
    """Return an address without the scheme `feed:`."""
    found = _FOR_READERS.match(text)
    if found is None:
        return text
    rest = text[found.end() :]
    return f"http:{rest}" if rest.startswith("//") else rest


def _legal(text: str) -> str:
    """Return the text without characters that are illegal in XML."""
    return "".join(
        character
        for character in text
        if character in "\t\n" or (character >= " " and not "\ud800" <= character <= "\udfff")
    )
