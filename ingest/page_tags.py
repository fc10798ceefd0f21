"""Finds tags in the text of a page and reads their attributes, without building a tree."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

# Bounded, so that no page makes it slow; longer values are not addresses.
_ATTRIBUTE = re.compile(
    r"""([a-zA-Z:-]{1,20})\s{0,8}=\s{0,8}(?:"([^"]{0,4096})"|'([^']{0,4096})'|([^\s"'>]{1,4096}))"""
)
_ENDS = {
    word: re.compile(end, re.IGNORECASE)
    for word, end in (("<!--", "-->"), ("<script", "</script"), ("<style", "</style"))
}


def marks_of(names: str, *, stops_at_body: bool = False) -> re.Pattern[str]:
    """Return the pattern for `tags_of` that finds tags with these names (`link|meta`)."""
    body = r"<body\b|" if stops_at_body else ""
    return re.compile(rf"<!--|<script\b|<style\b|{body}<({names})\b([^<>]{{0,4096}})>", re.I)


def text_of(head: bytes) -> str:
    """Decode the start of a page well enough for its tags and links."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head.decode("utf-16", "replace")
    try:
        return head.decode("utf-8")
    except UnicodeDecodeError as error:
        is_cut_letter = error.start >= len(head) - 3
        return head.decode("utf-8", "replace") if is_cut_letter else head.decode("latin-1")


def tags_of(text: str, marks: re.Pattern[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Return name and attributes of each tag in order, except those in comments and scripts."""
    at = 0
    while (mark := marks.search(text, at)) is not None:
        end = _ENDS.get(mark[0].lower())
        if end is not None:
            found = end.search(text, mark.end())
            if found is None:
                return
            at = found.start()
        elif mark[1] is None:
            return
        else:
            at = mark.end()
            yield mark[1].lower(), attributes_of(mark[2])


def attributes_of(text: str) -> dict[str, str]:
    """Return the attributes of a tag by lower-case name; the first of equal names counts."""
    found: dict[str, str] = {}
    for name, *values in _ATTRIBUTE.findall(text):
        found.setdefault(name.lower(), html.unescape("".join(values)).strip())
    return found
