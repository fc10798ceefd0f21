"""Makes titles plain and links absolute: titles may be HTML, links relative, both may be missing."""

from __future__ import annotations

import html
import re

from ingest.identity import joined

#: No title is longer; what is said in more characters is text in the wrong place.
MAX_TITLE_CHARACTERS = 5_000
# What is never shown goes with what is in it.
_UNSEEN = re.compile(
    r"<!--.*?-->|<(script|style)\b[^>]*>.*?(?:</\1\s*>|\Z)|<!\[CDATA\[|\]\]>",
    re.DOTALL | re.IGNORECASE,
)
# Attributes may hold a `>`; where nobody closes a quote, the tag ends at the next one.
_TAG = re.compile(r"</?[A-Za-z!?](?:[^<>\"']|\"[^\"]*\"|'[^']*')*>")
_BROKEN_TAG = re.compile(r"</?[A-Za-z!?][^<>]*>")
_BLANKS = re.compile(r"\s+")


def plain_title(text: str, *, is_html: bool = False) -> str:
    """Return a title in one line: markup (when it `is_html`) and references undone."""
    text = text[:MAX_TITLE_CHARACTERS]
    if is_html and "<" in text:
        text = _BROKEN_TAG.sub("", _TAG.sub("", _UNSEEN.sub("", text)))
    if "&" in text:
        text = html.unescape(text)
    return _BLANKS.sub(" ", text).strip()


def absolute(url: str, link: str) -> str:
    """Return a link joined to the address of its document; `""` for none."""
    return joined(url, link) if link.strip() else ""
