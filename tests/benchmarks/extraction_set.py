"""The article-extraction-benchmark: its pages, and its metric.

The metric is that of the set's own evaluation: bags of 4-word shingles, false positives and
negatives of a page divided by its size, F1 of the mean precision and recall.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import zstandard

from ingest import identity
from ingest.model import Entry, Page
from tests.data_sets import data_set

RESAMPLINGS = 1000
SEEN_AT = datetime(2026, 1, 1, tzinfo=UTC)
_TOKEN = re.compile(r"\w+")

Shingles = Counter[tuple[str, ...]]


class Case(NamedTuple):
    """One page of the set with the text that people took from it."""

    url: str
    html: bytes
    gold: str


class Score(NamedTuple):
    """F1, precision and recall of a set of pages; `intervals` are half the widths at 95 %."""

    f1: float
    precision: float
    recall: float
    intervals: tuple[float, float, float]


def cases(folder: Path) -> Iterator[Case]:
    """Return the pages of the set, in the order of its file."""
    truth = json.loads((folder / "ground-truth.json").read_text(encoding="utf-8"))
    for id, one in truth.items():
        html = gzip.decompress((folder / f"html/{id}.html.gz").read_bytes())
        yield Case(one["url"], html, one["articleBody"])


def data_folder() -> Path | None:
    """Return the folder of the set; None when it is not there."""
    folder = data_set("article-extraction-benchmark")
    return folder if (folder / "ground-truth.json").exists() else None


def shingles(text: str) -> Shingles:
    """Return the bag of runs of 4 tokens; one shorter run for a shorter text."""
    tokens = _TOKEN.findall(text)
    if not tokens:
        return Counter()
    size = min(4, len(tokens))
    return Counter(tuple(tokens[at : at + size]) for at in range(len(tokens) - size + 1))


def score(golds: Sequence[str], texts: Sequence[str]) -> Score:
    """Return the figures of these texts against the gold ones."""
    pages = [
        _shares(shingles(gold), shingles(text)) for gold, text in zip(golds, texts, strict=True)
    ]
    f1, precision, recall = _means(pages)
    chance = random.Random(0)
    drawn = [_means(chance.choices(pages, k=len(pages))) for _ in range(RESAMPLINGS)]
    f1_width, precision_width, recall_width = (
        1.96 * statistics.stdev(values) for values in zip(*drawn, strict=True)
    )
    return Score(f1, precision, recall, (f1_width, precision_width, recall_width))


def _shares(gold: Shingles, ours: Shingles) -> tuple[float, float, float]:
    """Return true positives, false positives and false negatives, divided by their sum."""
    true = sum((gold & ours).values())
    extra, missed = ours.total() - true, gold.total() - true
    total = (true + extra + missed) or 1
    return true / total, extra / total, missed / total


def _means(pages: Sequence[tuple[float, float, float]]) -> tuple[float, float, float]:
    """Return F1, precision, recall: each the mean over the pages where it is defined."""
    precisions = [_share(true, extra) for true, extra, _ in pages if true + extra > 0]
    recalls = [_share(true, missed) for true, _, missed in pages if true + missed > 0]
    precision = statistics.fmean(precisions) if precisions else 0.0
    recall = statistics.fmean(recalls) if recalls else 0.0
    both = precision + recall
    return (2 * precision * recall / both if both else 0.0), precision, recall


def _share(true: float, false: float) -> float:
    return true / (true + false) if true + false else 1.0


def page_of(case: Case) -> Page:
    """Return the page that the fetch stage would have made of it."""
    canonical = identity.canonical_url(case.url)
    id = identity.document_id_of_url(canonical)
    entry = Entry(
        id=id, feed_id="set", feed_url="https://set.example/feed", entry_key=case.url,
        url_published=case.url, first_seen_at=SEEN_AT,
    )  # fmt: skip
    return Page(
        document_id=id, entry=entry, url_canonical=canonical,
        url_match_key=identity.match_key(case.url), url_final=case.url,
        domain=identity.registrable_domain(case.url), fetched_at=SEEN_AT,
        version=identity.version_of(SEEN_AT),
        body=zstandard.ZstdCompressor(level=3).compress(case.html),
    )  # fmt: skip
