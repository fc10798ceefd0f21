"""Reads from the head of a page which address it calls its own, and whether it is an AMP page."""

from __future__ import annotations

import re

from ingest.identity import canonical_url, is_home_page, joined, same_site
from ingest.page_tags import marks_of, tags_of

#: Bytes of a page that are looked at.
HEAD_BYTES = 64 * 1024

_MARKS = marks_of("link|meta", stops_at_body=True)
_HTML_TAG = re.compile(r"<html\b([^<>]{0,2048})>", re.IGNORECASE)
#: The attribute that makes a page an AMP page: amp, or its sign with or without a selector.
_AMP_MARK = re.compile(r"(?:^|\s)(?:amp|\u26a1\ufe0f?)(?=[\s=/]|$)", re.IGNORECASE)
_QUOTED = re.compile(r""""[^"]{0,2048}"|'[^']{0,2048}'""")


def own_addresses(body: bytes, url: str) -> list[str]:
    """Return the addresses that the page at `url` gives itself, the one to trust most first.

    Shape: `<link rel=canonical>`, then `og:url`, absolute; only those of the same site that are
    not its home page; [] when there are none. Only the head counts, since a body may hold what
    readers wrote. Errors: none.
    """
    found: dict[str, str] = {}
    for tag, attributes in tags_of(text_of(body[:HEAD_BYTES]), _MARKS):
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
    """Return the page that the AMP page at `url` is a copy of; `""` for none, or no AMP page.

    Shape: its canonical link where that is of the same site, not its home page, and not `url`.
    Errors: none.
    """
    head = text_of(body[:HEAD_BYTES])
    tag = _HTML_TAG.search(head)
    if tag is None or not _AMP_MARK.search(_QUOTED.sub("", tag[1])):
        return ""
    for name, attributes in tags_of(head, _MARKS):
        if name == "link" and "canonical" in attributes.get("rel", "").lower().split():
            address = joined(url, attributes.get("href", ""))
            is_good = address and same_site(address, url) and not is_home_page(address)
            return address if is_good and canonical_url(address) != canonical_url(url) else ""
    return ""


def text_of(head: bytes) -> str:
    """Return bytes of a page as text, good enough for its tags and addresses."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head.decode("utf-16", "replace")
    try:
        return head.decode("utf-8")
    except UnicodeDecodeError as error:
        is_cut_letter = error.start >= len(head) - 3
        return head.decode("utf-8", "replace") if is_cut_letter else head.decode("latin-1")
