"""Finds the main text of a page, and searches the whole page for authors and the date.

The only file that imports trafilatura and htmldate. The expressions of config/sites.yml are the
operator's, the page is a stranger's: the number of elements is bounded here, the time by the parent,
which kills a child that takes too long.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

import msgspec
from htmldate import find_date
from lxml import etree, html
from lxml.html import HtmlElement
from resiliparse.extract.html2text import extract_plain_text
from trafilatura import bare_extraction
from trafilatura.metadata import extract_author
from trafilatura.settings import Extractor

from processors.extract_document.read.decode import clean
from processors.extract_document.read.tree import SILENT, block_lines, paragraphs

_DIGIT = re.compile(r"\d")
_INDENTED = re.compile(r"^ {2,}(?=\S)", re.M)
OWN_GATE_FROM_CHARACTERS = 20_000
_MAX_ELEMENTS = 5000
_SITE_RATIO = 2.5
#: Elements beside the text, within the text's own element.
_BESIDE = SILENT | {"figure", "figcaption", "aside", "nav", "form", "footer", "button", "select"}

#: The largest of 1,311 real pages has 9,770 tags; 40,000 elements that look like dates took 17 s.
_MAX_DATED_ELEMENTS = 20_000
_MAX_PARAGRAPHS = 30
_HEAD_CHARACTERS = 160
#: A report follows a dateline; if less follows, the line only says when it was published.
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


def extractor_for(mode: str) -> Extractor:
    """Return trafilatura's options for a mode; may be kept and used for many pages.

    fast: fast and recall, the default. thorough: its whole cascade. precision: fewer lines
    around the article. Deduplication stays off: it drops documents that come again in a replay.
    """
    return Extractor(
        output_format="python",
        comments=False,
        fast=mode == "fast",
        recall=mode == "fast",
        precision=mode == "precision",
    )


def extract_text(root: HtmlElement, url: str, options: Extractor) -> str:
    """Return the main text, one paragraph per line; `""` if there is none.

    The tree is not changed. Errors: none of its own; an error of trafilatura on an odd tree means
    no text, and the rescue decides.
    """
    options.url = options.source = url or None
    try:
        found = bare_extraction(root, options=options)
    except (ValueError, TypeError, AttributeError, KeyError, IndexError, AssertionError):
        return ""
    if found is None:
        return ""
    text = found["text"] if isinstance(found, dict) else found.text
    return text or ""


def search_authors(root: HtmlElement) -> list[str]:
    """Return authors found by searching the whole page: slow (5.6 ms) and sometimes wrong."""
    try:
        found = extract_author(root)
    except (ValueError, TypeError, AttributeError):
        return []
    return [name.strip() for name in found.split(";")] if found else []


class Gate(NamedTuple):
    """The minimum shares of a genuine text, each 0 to 1.

    `letters` of the characters that are not spaces, `packed`: compressed size of the UTF-8 size,
    `distinct` of the lines (digits masked).
    """

    letters: float
    packed: float
    distinct: float


#: For a rescued text: all 45 true rescues on three sets pass (worst: .88, .26, .41), all 7 cases
#: of junk fail.
RESCUE_GATE = Gate(0.60, 0.15, 0.30)
#: For trafilatura's text if it is long (lowest of 170 real ones: .81, .13, .32).
OWN_GATE = Gate(0.50, 0.05, 0.10)


def second_text(html: str) -> str:
    """Return resiliparse's main content, with a blank line between paragraphs; `""` for none."""
    try:
        text = extract_plain_text(
            html,
            preserve_formatting=True,
            main_content=True,
            list_bullets=False,
            alt_texts=False,
            links=False,
            form_fields=False,
            noscript=False,
            comments=False,
            post_meta=False,
            hidden_elements=False,
        )
    except (ValueError, RuntimeError):  # its parser refuses the string
        return ""
    return str(text).strip()


def with_list_marks(text: str) -> str:
    """Return a text of the second parser with "- " before its list items, which it indents."""
    return _INDENTED.sub("- ", text)


def passes(text: str, gate: Gate, max_characters: int) -> bool:
    """Return whether a text looks like prose. Errors: none."""
    if not text or len(text) > max_characters:
        return False
    return (
        _letter_share(text) >= gate.letters
        and _packed_share(text) >= gate.packed
        and _distinct_share(text) >= gate.distinct
    )


class PageText(msgspec.Struct, frozen=True):
    """The text from the page's HTML. `source` is page or rescue."""

    text: str = ""
    source: str = "page"
    ratio: float = 0.0


class SiteText(msgspec.Struct, frozen=True):
    """What `body_xpath` found; `rule` as in `Extraction.body_rule`, `text` only for a hit."""

    text: str = ""
    rule: str = ""


def pruned(root: HtmlElement, page: str, paths: tuple[str, ...]) -> str:
    """Remove elements from the tree; return the page without them, as written if none was found.

    The text around an element stays, and so does the root. Errors: none; a broken expression
    removes nothing.
    """
    count = 0
    for path in paths:
        for element in _found(root, path) or ():
            parent = element.getparent()
            if parent is not None:
                element.drop_tree()
                count += 1
    return html.tostring(root, encoding="unicode") if count else page


def site_text(root: HtmlElement, path: str, general: str, max_characters: int) -> SiteText:
    """Return the text of the elements that a site's rule names, as `paragraphs` formats it.

    `general` is the text found without the rule. Nested elements count once. Errors: none.
    """
    if not path:
        return SiteText()
    elements = _found(root, path)
    if elements is None:
        return SiteText(rule="broken")
    text = paragraphs("\n".join(_lines(elements)))[:max_characters]
    if not text or (len(text) > OWN_GATE_FROM_CHARACTERS and not passes(text, OWN_GATE, len(text))):
        return SiteText(rule="miss")
    return SiteText(rule="outweighed") if outweighs(general, text) else SiteText(text, "hit")


def outweighs(general: str, site: str) -> bool:
    """Return whether the general text is so long that the site's rule must have missed the text."""
    return len(general) > _SITE_RATIO * len(site)


def load_search() -> None:
    """Load what htmldate needs for dates in words: 0.2 s that no page should pay."""
    words = "<html><body><p class='date'>November 20 15:23 2019</p></body></html>"
    search_date(html.document_fromstring(words), "", datetime(2020, 1, 1, tzinfo=UTC))


def search_date(root: HtmlElement, url: str, latest: datetime) -> str:
    """Return the apparent date of the page as YYYY-MM-DD; `""` if none is found.

    Pages of more than 20,000 elements are not searched. `latest` is the upper bound; it is passed
    each time, since a bound kept from an earlier day once turned a date of today into one three
    weeks old. The tree may be changed: call this last.
    Errors: none of its own; an error of htmldate on an odd tree means no date.
    """
    if sum(1 for _ in root.iter("*")) > _MAX_DATED_ELEMENTS:
        return ""
    cut_datelines(root)
    try:
        found = find_date(
            root,
            extensive_search=True,
            original_date=True,
            url=url or None,
            min_date="1990-01-01",
            max_date=(latest + timedelta(days=1)).strftime("%Y-%m-%d"),
        )
    except (ValueError, TypeError, AttributeError, IndexError, KeyError, OverflowError):
        return ""
    return found or ""


def cut_datelines(root: HtmlElement) -> int:
    """Remove the datelines from the first paragraphs of a tree; return their number.

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


def _letter_share(text: str) -> float:
    """Return the share of letters, including the vowel signs of many scripts."""
    solid = "".join(text.split())
    if not solid:
        return 0.0
    letters = sum(map(str.isalpha, solid))
    if not solid.isascii():
        letters += sum(unicodedata.category(c)[0] == "M" for c in solid if not c.isalpha())
    return letters / len(solid)


def _packed_share(text: str) -> float:
    data = text.encode("utf-8", "replace")
    return len(zlib.compress(data, 6)) / len(data)


def _distinct_share(text: str) -> float:
    lines = [_DIGIT.sub("0", line.strip()) for line in text.splitlines() if line.strip()]
    return len(set(lines)) / len(lines) if lines else 0.0


def _lines(elements: list[HtmlElement]) -> list[str]:
    chosen = set(elements)
    lines: list[str] = []
    for element in elements:
        if not any(other in chosen for other in element.iterancestors()):
            lines += (" ".join(clean(line).split()) for line in block_lines(element, _BESIDE))
    return lines


def _found(root: HtmlElement, path: str) -> list[HtmlElement] | None:
    """Return at most 5,000 elements that an expression names, in order; None if it is broken."""
    try:
        found = _compiled(path)(root)
    except etree.XPathError:
        return None
    if not isinstance(found, list):
        return None
    return [one for one in found[:_MAX_ELEMENTS] if isinstance(one, HtmlElement)]


@lru_cache(maxsize=512)
def _compiled(path: str) -> etree.XPath:
    return etree.XPath(path, regexp=False, smart_strings=False)


def _head(paragraph: HtmlElement) -> str:
    parts, size = [], 0
    for part in paragraph.itertext():
        parts.append(part)
        size += len(part)
        if size >= _HEAD_CHARACTERS:
            break
    return "".join(parts)[:_HEAD_CHARACTERS]


def _remove(paragraph: HtmlElement, characters: int) -> None:
    """Remove this many characters from the start of the paragraph's text."""
    left = characters
    for event, element in etree.iterwalk(paragraph, events=("start", "end")):
        if event == "start":
            left = _shorten(element, "text", left)
        elif element is not paragraph:
            left = _shorten(element, "tail", left)
        if not left:
            return


def _shorten(element: HtmlElement, name: str, characters: int) -> int:
    """Cut the text or tail of an element; return how many characters remain to be cut."""
    text = getattr(element, name) or ""
    setattr(element, name, text[characters:] or None)
    return max(0, characters - len(text))
