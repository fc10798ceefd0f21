"""Decides which sites changed their layout, from statistics of their documents (pure).

The thresholds are initial values, not measured over years.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

from ingest.ports import LayoutFacts, SiteLayout

#: The last day is compared with the 14 days before it, with a minimum number of documents in each.
LATEST = timedelta(days=1)
BEFORE = timedelta(days=14)
LEAST_DOCUMENTS = 20
#: Change of the median length of texts: half or twice.
SHORTER, LONGER = 0.5, 2.0
#: Increase of the share of a signal, as a fraction.
POINTS = 0.20
#: Increase of dropped lines per document, and their minimum number per document.
MORE_LINES = 3.0
LEAST_LINES = 1.0
#: Maximum share of pages on which a rule for the text finds nothing.
MISSED = 0.10

_SHARES = {
    "no_title": ("no title", "pages"),
    "no_authors": ("no authors", "pages"),
    "no_date": ("no date", "pages"),
    "no_jsonld": ("no JSON-LD", "pages"),
    "rescued": ("text from the second parser", "documents"),
    "poor": ("hardly any text, or the feed's alone", "documents"),
}


class Drift(NamedTuple):
    """One change of a site: `signal` names it and selects its examples."""

    site: str
    signal: str
    before: float
    now: float
    sentence: str
    documents: int


def drifts_of(layout: SiteLayout) -> list[Drift]:
    """Return what changed about the pages of a site; nothing if there are too few documents."""
    latest, before = layout.latest, layout.before
    found = list(_missed(layout))
    if min(latest.documents, before.documents) >= LEAST_DOCUMENTS:
        found += [*_length(layout), *_shares(layout), *_lines(layout)]
    return sorted(found, key=lambda one: one.signal)


def _length(layout: SiteLayout) -> Iterator[Drift]:
    before, now = layout.before.median_characters, layout.latest.median_characters
    if before <= 0:
        return
    if now < SHORTER * before or now > LONGER * before:
        signal = "shorter" if now < before else "longer"
        words = f"texts of {now:.0f} characters, {before:.0f} before"
        yield _drift(layout, signal, before, now, words, layout.latest.documents)


def _shares(layout: SiteLayout) -> Iterator[Drift]:
    for signal, (words, kind) in _SHARES.items():
        whole, whole_before = getattr(layout.latest, kind), getattr(layout.before, kind)
        if min(whole, whole_before) < LEAST_DOCUMENTS:
            continue
        now = layout.latest.counts.get(signal, 0) / whole
        before = layout.before.counts.get(signal, 0) / whole_before
        if now - before >= POINTS:
            sentence = f"{words} on {now:.0%} of {kind}, {before:.0%} before"
            yield _drift(layout, signal, before, now, sentence, whole)


def _lines(layout: SiteLayout) -> Iterator[Drift]:
    now, before = _lines_a_document(layout.latest), _lines_a_document(layout.before)
    if now >= LEAST_LINES and now >= MORE_LINES * before:
        words = f"{now:.1f} repeated lines a document, {before:.1f} before"
        yield _drift(layout, "dropped_lines", before, now, words, layout.latest.documents)


def _missed(layout: SiteLayout) -> Iterator[Drift]:
    """Report a rule that finds nothing, even if it never did: it should always match."""
    rules = layout.latest.rules
    if rules < LEAST_DOCUMENTS:
        return
    now = layout.latest.counts.get("rule_missed", 0) / rules
    if now > MISSED:
        past = layout.before
        before = past.counts.get("rule_missed", 0) / past.rules if past.rules else 0.0
        words = f"body_xpath finds nothing on {now:.0%} of pages, {before:.0%} before"
        yield _drift(layout, "rule_missed", before, now, words, rules)


def _lines_a_document(facts: LayoutFacts) -> float:
    return facts.dropped_lines / facts.documents if facts.documents else 0.0


def _drift(
    layout: SiteLayout, signal: str, before: float, now: float, words: str, documents: int
) -> Drift:
    sentence = f"{layout.site}: {words}"
    return Drift(layout.site, signal, round(before, 4), round(now, 4), sentence, documents)
