"""Measures extraction on the article-extraction-benchmark: how good, how fast, beside what.

    python -m tests.benchmarks.extraction

prints one table and ends with 1 when F1 of the combined extractor is below .960. The set is
looked for in $NEWS_INGEST_TEST_DATA, else in ../shared/data; without it nothing is measured and
a line says so. The metric is that of the set's own evaluation: bags of 4-word shingles, false
positives and negatives of a page divided by its size, F1 of the mean precision and recall.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import zstandard

from ingest import identity
from ingest.model import Entry, Page
from ingest.outcome import Keep
from processors.extract_document import Options, build
from processors.extract_document.child import page_extractor
from processors.extract_document.decode_page import decode
from processors.extract_document.extract_text import extract_text, extractor_for
from processors.extract_document.parse_page import parse
from processors.extract_document.rescue_text import second_text

LEAST_F1 = 0.960
RESAMPLINGS = 1000
#: Pages read before the clock starts, so that every extractor has loaded what it loads late.
WARMING = 40
SEEN_AT = datetime(2026, 1, 1, tzinfo=UTC)
_TOKEN = re.compile(r"\w+")

Shingles = Counter[tuple[str, ...]]


class Case(NamedTuple):
    """One page of the set with the text that people took from it."""

    url: str
    html: bytes
    gold: str


class Score(NamedTuple):
    """F1, precision and recall of a set of pages, and half the width of F1's 95 % interval."""

    f1: float
    precision: float
    recall: float
    interval: float


class Row(NamedTuple):
    """One line of the table. `speed` is pages a second of CPU (of the clock for children)."""

    name: str
    score: Score
    speed: float
    milliseconds: Sequence[float]


def cases(folder: Path) -> list[Case]:
    """Give the pages of the set, in the order of its file."""
    truth = json.loads((folder / "ground-truth.json").read_text(encoding="utf-8"))
    return [
        Case(one["url"], gzip.decompress((folder / f"html/{id}.html.gz").read_bytes()),
             one["articleBody"])
        for id, one in truth.items()
    ]  # fmt: skip


def data_folder() -> Path | None:
    """Give the folder of the set; None when it is not there."""
    root = Path(os.environ.get("NEWS_INGEST_TEST_DATA", "../shared/data"))
    folder = root / "article-extraction-benchmark"
    return folder if (folder / "ground-truth.json").exists() else None


def shingles(text: str) -> Shingles:
    """Give the bag of runs of 4 tokens; one shorter run for a shorter text."""
    tokens = _TOKEN.findall(text)
    if not tokens:
        return Counter()
    size = min(4, len(tokens))
    return Counter(tuple(tokens[at : at + size]) for at in range(len(tokens) - size + 1))


def score(golds: Sequence[str], texts: Sequence[str]) -> Score:
    """Give the figures of these texts against the gold ones."""
    pages = [
        _shares(shingles(gold), shingles(text)) for gold, text in zip(golds, texts, strict=True)
    ]
    f1, precision, recall = _means(pages)
    chance = random.Random(0)
    drawn = [_means(chance.choices(pages, k=len(pages)))[0] for _ in range(RESAMPLINGS)]
    return Score(f1, precision, recall, 1.96 * statistics.stdev(drawn))


def _shares(gold: Shingles, ours: Shingles) -> tuple[float, float, float]:
    """Give true positives, false positives and false negatives, divided by their sum."""
    true = sum((gold & ours).values())
    extra, missed = ours.total() - true, gold.total() - true
    total = (true + extra + missed) or 1
    return true / total, extra / total, missed / total


def _means(pages: Sequence[tuple[float, float, float]]) -> tuple[float, float, float]:
    """Give F1, precision, recall: each the mean over the pages where it is defined."""
    precisions = [_share(true, extra) for true, extra, _ in pages if true + extra > 0]
    recalls = [_share(true, missed) for true, _, missed in pages if true + missed > 0]
    precision = statistics.fmean(precisions) if precisions else 0.0
    recall = statistics.fmean(recalls) if recalls else 0.0
    both = precision + recall
    return (2 * precision * recall / both if both else 0.0), precision, recall


def _share(true: float, false: float) -> float:
    return true / (true + false) if true + false else 1.0


def page_of(case: Case) -> Page:
    """Give the page that the fetch stage would have made of it."""
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


def rows(found: Sequence[Case]) -> list[Row]:
    """Give all rows that run in this process; the first is what the product does.

    Page by page each extractor has its turn, so that a busy machine is unfair to none.
    """
    options = Options(drops_repeated_lines=False)
    extract = page_extractor(options.model_dump(), "benchmark")
    pages = {case.url: page_of(case) for case in found}
    fast, default = extractor_for("fast"), extractor_for("thorough")
    works: dict[str, Callable[[Case], str]] = {
        "combined: text and metadata": lambda case: extract(pages[case.url]).text,
        "trafilatura fast + recall, text": lambda case: _by(case, fast),
        "trafilatura default, text": lambda case: _by(case, default),
        "trafilatura default + its metadata": _by_trafilatura_alone,
        "resiliparse": lambda case: second_text(decode(case.html).text),
    }
    texts: dict[str, list[str]] = {name: [] for name in works}
    milliseconds: dict[str, list[float]] = {name: [] for name in works}
    for case in found[:WARMING]:
        for work in works.values():
            work(case)
    for case in found:
        for name, work in works.items():
            started = time.process_time()
            texts[name].append(work(case))
            milliseconds[name].append((time.process_time() - started) * 1000)
    golds = [case.gold for case in found]
    return [
        Row(name, score(golds, texts[name]), len(found) * 1000 / sum(spent), spent)
        for name, spent in milliseconds.items()
    ]


def _by(case: Case, extractor: object) -> str:
    root = parse(decode(case.html).text)
    return "" if root is None else extract_text(root, case.url, extractor)


def _by_trafilatura_alone(case: Case) -> str:
    from trafilatura import bare_extraction

    found = bare_extraction(
        decode(case.html).text, url=case.url, with_metadata=True, include_comments=False
    )
    return (found.text or "") if found else ""


def through_children(found: Sequence[Case], count: int) -> Row:
    """Give the row of the real processor with this many children, by the clock."""
    processor = build(Options(drops_repeated_lines=False), clock=lambda: SEEN_AT, children=count)
    pages = [page_of(case) for case in found]
    processor.process_batch(pages[: WARMING * count])
    started = time.perf_counter()
    outcomes = processor.process_batch(pages)
    seconds = time.perf_counter() - started
    processor.close()
    documents = [one.value for one in outcomes if isinstance(one, Keep)]
    figures = score([case.gold for case in found], [one.text for one in documents])
    name = f"combined, {count} child{'ren' if count > 1 else ''} (clock)"
    return Row(
        name, figures, len(found) / seconds, [one.extraction.milliseconds for one in documents]
    )


def line(row: Row) -> str:
    """Give a row of the table as text."""
    ordered = sorted(row.milliseconds)
    p50, p99 = ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
    figures = row.score
    return (
        f"{row.name:36} {row.speed:8.1f} {p50:8.1f} {p99:8.1f} "
        f"{figures.f1:7.4f} ±{figures.interval:.4f} {figures.precision:7.4f} {figures.recall:7.4f}"
    )


def main() -> int:
    """Print the table; give 1 when the product's own F1 is too low, else 0."""
    folder = data_folder()
    if folder is None:
        print(
            "extraction: the article-extraction-benchmark is not there; see NEWS_INGEST_TEST_DATA"
        )
        return 0
    found = cases(folder)
    print(f"article-extraction-benchmark, {len(found)} pages; pages/s of CPU unless by the clock")
    print(f"{'':36} {'pages/s':>8} {'p50 ms':>8} {'p99 ms':>8} {'F1':>7}  ±95 %  {'P':>7} {'R':>7}")
    table = rows(found)
    children = [through_children(found, count) for count in (1, 2)]
    for row in (*table, *children):
        print(line(row))
    ratio = table[0].speed / table[3].speed
    print(f"combined against trafilatura default + its metadata: {ratio:.2f} times as fast")
    print(f"two children against one: {children[1].speed / children[0].speed:.2f} times")
    return 0 if table[0].score.f1 >= LEAST_F1 else 1


if __name__ == "__main__":
    sys.exit(main())
