"""The part of the Index port for the page layout of sites: facts over time, and alarms."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from ingest.model import IndexedDocument

#: What one document can show about the layout of its site. The first four are marks that a page
#: lacks; `poor` is hardly any text, or only that of the feed; `rule_missed` means that the rule for
#: the text in config/sites.yml found nothing.
SIGNALS = ("no_title", "no_authors", "no_date", "no_jsonld", "rescued", "poor", "rule_missed")
#: The marks behind the first four of SIGNALS, as in Extraction.given.
MARKS = {"no_title": "title", "no_authors": "authors", "no_date": "date", "no_jsonld": "jsonld"}
#: Values of Extraction.body_rule that mean a miss, and all that mean there is a rule.
MISSES = ("miss", "broken")
RULES = ("hit", "outweighed", *MISSES)


class LayoutFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over the documents of one site in a time range, without files from disk.

    `pages` counts those checked for marks, `rules` those with a rule for the text. `counts` maps
    each of SIGNALS to the number of documents that show it. Characters are those of the text.
    """

    documents: int = 0
    pages: int = 0
    rules: int = 0
    median_characters: float = 0.0
    dropped_lines: int = 0
    counts: dict[str, int] = {}


class SiteLayout(msgspec.Struct, frozen=True, kw_only=True):
    """One site (registrable domain): its latest documents, and those before them."""

    site: str
    latest: LayoutFacts
    before: LayoutFacts


class LayoutAlarm(msgspec.Struct, frozen=True, kw_only=True):
    """One change in the pages of a site.

    `before` and `now` are the compared values, `sentence` describes them, `documents` is the number
    of documents behind the newer one. `document_ids` are up to three examples, `feed_ids` the feeds
    with articles on the site.
    """

    site: str
    signal: str
    before: float
    now: float
    sentence: str
    documents: int
    document_ids: tuple[str, ...]
    feed_ids: tuple[str, ...]
    raised_at: datetime
    checked_at: datetime

    @property
    def id(self) -> str:
        """Return the id: there is one alarm for each site and signal."""
        return f"{self.site}/{self.signal}"


class SiteLayouts(Protocol):
    """Facts about documents by site, and the alarms raised from them.

    Errors of every method: IndexUnavailable, IndexRefused, IndexDiffers.
    """

    def layouts(
        self, before_since: datetime, latest_since: datetime, least: int
    ) -> tuple[SiteLayout, ...]:
        """Return the sites with at least `least` documents since `latest_since`, by name."""
        ...

    def examples(self, site: str, signal: str, since: datetime, size: int) -> tuple[str, ...]:
        """Return ids of documents with one of SIGNALS, newest first.

        Or the first ones by "shorter" or "longer" text, or by "dropped_lines".
        """
        ...

    def feeds_of(self, site: str, since: datetime) -> tuple[str, ...]:
        """Return the feeds of a site's documents since then, by name; at most 50."""
        ...

    def put_alarms(self, alarms: Sequence[LayoutAlarm]) -> None:
        """Replace all alarms by these."""
        ...

    def alarms(self) -> tuple[LayoutAlarm, ...]:
        """Return all alarms, by site and signal."""
        ...


def is_watched(document: IndexedDocument) -> bool:
    """Return whether a document counts for the layout of its site."""
    return bool(document.domain) and not document.path


def signals_of(document: IndexedDocument) -> tuple[str, ...]:
    """Return the SIGNALS that this document shows."""
    extraction = document.extraction
    given = extraction.given
    found = {
        **{signal: "page" in given and mark not in given for signal, mark in MARKS.items()},
        "rescued": extraction.is_rescued,
        "poor": extraction.is_short or document.content_source == "feed",
        "rule_missed": extraction.body_rule in MISSES,
    }
    return tuple(signal for signal in SIGNALS if found[signal])
