"""Decides which sites changed their layout, from what their documents show (pure).

The bounds are first values, not measured on a stream of years.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

from ingest.ports import LayoutFacts, SiteLayout

#: The last day is held against the 14 days before it, from so many documents on each side.
LATEST = timedelta(days=1)
BEFORE = timedelta(days=14)
LEAST_DOCUMENTS = 20
#: Half or twice the length of texts.
SHORTER, LONGER = 0.5, 2.0
#: Points by which the share of a signal may grow.
POINTS = 0.20
#: Dropped lines a document, three times as many; under one a document it says nothing.
MORE_LINES = 3.0
LEAST_LINES = 1.0
#: Share of pages on which a rule for the text may find nothing.
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
    """One thing that changed: `signal` names it and the order of its examples."""

    site: str
    signal: str
    before: float
    now: float
    sentence: str
    documents: int


def drifts_of(layout: SiteLayout) -> list[Drift]:
    """Return what changed about the pages of one site; nothing where there is too little to say."""
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
            said = f"{words} on {now:.0%} of {kind}, {before:.0%} before"
            yield _drift(layout, signal, before, now, said, whole)


def _lines(layout: SiteLayout) -> Iterator[Drift]:
    now, before = _lines_a_document(layout.latest), _lines_a_document(layout.before)
    if now >= LEAST_LINES and now >= MORE_LINES * before:
        words = f"{now:.1f} repeated lines a document, {before:.1f} before"
        yield _drift(layout, "dropped_lines", before, now, words, layout.latest.documents)


def _missed(layout: SiteLayout) -> Iterator[Drift]:
    """Tell of a rule that misses, whatever was before: it was written to be hit."""
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
