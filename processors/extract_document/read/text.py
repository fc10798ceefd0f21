"""The main text of a page, by trafilatura; the only file that imports it."""

from __future__ import annotations

from lxml.html import HtmlElement
from trafilatura import bare_extraction
from trafilatura.metadata import extract_author
from trafilatura.settings import Extractor

MODES = ("fast", "thorough", "precision")


def extractor_for(mode: str) -> Extractor:
    """Give trafilatura's options for a mode; may be kept and used for many pages.

    fast: fast and recall, the default. thorough: its whole cascade. precision: fewer lines
    around the article. Never deduplicate: it forgets documents that come again, as replays do.
    """
    return Extractor(
        output_format="python",
        comments=False,
        fast=mode == "fast",
        recall=mode == "fast",
        precision=mode == "precision",
    )


def extract_text(root: HtmlElement, url: str, options: Extractor) -> str:
    """Give the main text, one paragraph a line; `""` when there is none to be found.

    The tree stays as it was. Errors: none of its own; what trafilatura raises on odd trees is
    taken as no text, and the rescue decides.
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
    """Give authors found by looking all over the page: slow (5.6 ms) and sometimes wrong."""
    try:
        found = extract_author(root)
    except (ValueError, TypeError, AttributeError):
        return []
    return [name.strip() for name in found.split(";")] if found else []
