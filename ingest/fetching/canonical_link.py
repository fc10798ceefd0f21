"""Reads from the head of a page which address it calls its own, and whether it is an AMP page."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from ingest.identity import canonical_url, is_home_page, joined, same_site

#: Bytes of a page that are looked at (polling.md §5.1).
HEAD_BYTES = 64 * 1024

# Bounded, so that no page makes it slow; attributes longer than this are no addresses.
_MARK = re.compile(r"<!--|<script\b|<style\b|<body\b|<(link|meta)\b([^<>]{0,4096})>", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"""([a-zA-Z:-]{1,20})\s{0,8}=\s{0,8}(?:"([^"]{0,4096})"|'([^']{0,4096})'|([^\s"'>]{1,4096}))"""
)
_HTML_TAG = re.compile(r"<html\b([^<>]{0,2048})>", re.IGNORECASE)
#: The attribute that makes a page an AMP page: amp, or its sign with or without a selector.
_AMP_MARK = re.compile(r"(?:^|\s)(?:amp|\u26a1\ufe0f?)(?=[\s=/]|$)", re.IGNORECASE)
_QUOTED = re.compile(r""""[^"]{0,2048}"|'[^']{0,2048}'""")
_ENDS = {
    word: re.compile(end, re.IGNORECASE)
    for word, end in (("<!--", "-->"), ("<script", "</script"), ("<style", "</style"))
}


def own_addresses(body: bytes, url: str) -> list[str]:
    """Give the addresses that the page at `url` gives itself, the one to trust most first.

    Shape: `<link rel=canonical>`, then `og:url`, absolute; only those of the same site that are
    not its home page; [] when there are none. Only the head counts, since a body may hold what
    readers wrote. Errors: none.
    """
    found: dict[str, str] = {}
    for tag, attributes in _tags(text_of(body[:HEAD_BYTES])):
        if tag == "link" and "canonical" in attributes.get("rel", "").lower().split():
            found.setdefault("canonical", attributes.get("href", ""))
        elif tag == "meta" and attributes.get("property", "").lower() == "og:url":
            found.setdefault("og:url", attributes.get("content", ""))
    links = [found[name] for name in ("canonical", "og:url") if found.get(name)]
    addresses = [joined(url, link) for link in links]
    return [
        address
        for address in dict.fromkeys(addresses)
        if address and same_site(address, url) and not is_home_page(address)
    ]


def amp_canonical(body: bytes, url: str) -> str:
    """Give the page that the AMP page at `url` is a copy of; `""` for none, or no AMP page.

    Shape: its canonical link where that is of the same site, not its home page, and not `url`.
    Errors: none.
    """
    head = text_of(body[:HEAD_BYTES])
    tag = _HTML_TAG.search(head)
    if tag is None or not _AMP_MARK.search(_QUOTED.sub("", tag[1])):
        return ""
    for name, attributes in _tags(head):
        if name == "link" and "canonical" in attributes.get("rel", "").lower().split():
            address = joined(url, attributes.get("href", ""))
            is_good = address and same_site(address, url) and not is_home_page(address)
            return address if is_good and canonical_url(address) != canonical_url(url) else ""
    return ""


def _tags(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    at = 0
    while True:
        mark = _MARK.search(text, at)
        if mark is None:
            return
        word = mark.group(0).lower()
        if word == "<body":
            return
        if word not in _ENDS:
            at = mark.end()
            yield mark.group(1).lower(), attributes_of(mark.group(2))
            continue
        end = _ENDS[word].search(text, mark.end())
        if end is None:
            return
        at = end.start()


def attributes_of(text: str) -> dict[str, str]:
    """Give the attributes of a tag by their lower-case names, the first of each."""
    found: dict[str, str] = {}
    for name, *values in _ATTRIBUTE.findall(text):
        found.setdefault(name.lower(), html.unescape("".join(values)).strip())
    return found


def text_of(head: bytes) -> str:
    """Give bytes of a page as text, good enough for its tags and addresses."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head.decode("utf-16", "replace")
    try:
        return head.decode("utf-8")
    except UnicodeDecodeError as error:
        is_cut_letter = error.start >= len(head) - 3
        return head.decode("utf-8", "replace") if is_cut_letter else head.decode("latin-1")
