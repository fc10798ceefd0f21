"""Cuts datelines off paragraphs, so that no search takes their dates for those of publication.

"PORT ELSIN, 3 March 2026 (Reuters) –" tells when something was reported, and from where.
"""

from __future__ import annotations

import re

from lxml import etree
from lxml.html import HtmlElement

_MAX_PARAGRAPHS = 30
_HEAD_CHARACTERS = 160
#: After a dateline a report begins; what is shorter is a line that says when it was published.
_LEAST_REST = 40
_BYLINE = re.compile(
    r"\s*(?:published|updated|posted|last|first|by|on|stand|veröffentlicht|aktualisiert|von|am|publié|mis à jour|par"
    r"|publicado|actualizado|por|pubblicato|aggiornato|di|gepubliceerd|bijgewerkt|door|opublikowano)\b",
    re.I,
)
_DATE = (
    r"(?:\d{1,2}(?:st|nd|rd|th|er|\.|º)?\s+(?:de\s+)?[^\W\d_]{3,10}\.?(?:,?\s+(?:de\s+)?\d{4})?"
    r"|[^\W\d_]{3,10}\.?\s+\d{1,2}(?:,?\s+\d{4})?|\d{1,2}[./]\s?\d{1,2}[./]\s?(?:\d{4}|\d{2})?|\d{4}-\d{2}-\d{2})"
)
#: A place, a date, perhaps an agency in brackets, and a dash.
_DATELINE = re.compile(
    rf"^\s*(?:\([^()]{{2,40}}\)\s*[-–—−]?\s*)?[^\W\d_a-zß-ÿ][^\n\d]{{1,60}}?[,.(]?\s*(?:den\s+|am\s+|le\s+|el\s+)?{_DATE}\)?[\s,.:]*"
    r"(?:\([^()]{2,40}\)\s*)?\s*(?:[-–—−]|--)\s*"
)  # fmt: skip


def cut_datelines(root: HtmlElement) -> int:
    """Take the datelines out of the first paragraphs of a tree; give how many there were.

    Errors: none.
    """
    cut = 0
    for number, paragraph in enumerate(root.iter("p", "div")):
        if number >= 10 * _MAX_PARAGRAPHS or cut >= _MAX_PARAGRAPHS:
            break
        if paragraph.tag == "div" and not (paragraph.text or "").strip():
            continue
        head = _head(paragraph)
        found = _DATELINE.match(head)
        if found and len(head) - found.end() >= _LEAST_REST and not _BYLINE.match(head):
            _remove(paragraph, found.end())
            cut += 1
    return cut


def _head(paragraph: HtmlElement) -> str:
    parts, size = [], 0
    for part in paragraph.itertext():
        parts.append(part)
        size += len(part)
        if size >= _HEAD_CHARACTERS:
            break
    return "".join(parts)[:_HEAD_CHARACTERS]


def _remove(paragraph: HtmlElement, characters: int) -> None:
    """Take so many characters off the beginning of what the paragraph says."""
    left = characters
    for event, element in etree.iterwalk(paragraph, events=("start", "end")):
        if event == "start":
            left = _shorten(element, "text", left)
        elif element is not paragraph:
            left = _shorten(element, "tail", left)
        if not left:
            return


def _shorten(element: HtmlElement, name: str, characters: int) -> int:
    """Cut the text or tail of an element; give how many characters are still to be cut."""
    text = getattr(element, name) or ""
    setattr(element, name, text[characters:] or None)
    return max(0, characters - len(text))
