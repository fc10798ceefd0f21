"""Measures extraction on the article-extraction-benchmark: how good, how fast, beside what.

    python -m tests.benchmarks extraction [PART …] [--pages N]

text       one table: F1, precision and recall with their 95 % intervals, documents a CPU second,
           memory; ours in each mode, trafilatura with its own metadata, and the parts alone
children   the same through one child and through two, by the clock
stage      the extract stage on the embedded log and on Kafka beside the same two children fed
           from memory (a broker is started; NEWS_INGEST_TEST_KAFKA names a running one)
memory     the most memory a child holds over N pages (10,000)

Without a PART: text, children and stage. Ends with 1 when F1 of the combined extractor is below
.960. Where the set is looked for: extraction_set.py.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ingest import telemetry
from ingest.outcome import Keep
from processors.extract_document import Options, build
from tests.benchmarks import extraction_memory, extraction_stage
from tests.benchmarks.extraction_set import SEEN_AT, Case, Score, cases, data_folder, page_of, score
from tests.benchmarks.extractors import EXTRACTORS, OURS, THEIRS
from tests.benchmarks.measure import MEBIBYTE

LEAST_F1 = 0.960
#: Pages read before the clock starts, so that every extractor has loaded what it loads late.
WARMING = 40
PEAK_TIMEOUT_SECONDS = 600.0


class Row(NamedTuple):
    """One line of the table. `speed` is documents a second of CPU (of the clock for children)."""

    name: str
    score: Score
    speed: float
    milliseconds: Sequence[float]
    peak_bytes: int = 0


def rows(found: Sequence[Case]) -> list[Row]:
    """Return all rows of text.

    Page by page each extractor has its turn, so that a busy machine is unfair to none, and each
    time another begins: who comes first to a page fills the caches of the libraries for the rest.
    """
    works = {name: make() for name, make in EXTRACTORS.items()}
    pages = [(case, page_of(case)) for case in found]
    texts: dict[str, list[str]] = {name: [] for name in works}
    milliseconds: dict[str, list[float]] = {name: [] for name in works}
    for case, page in pages[:WARMING]:
        for work in works.values():
            work(case, page)
    order = deque(works)
    for case, page in pages:
        order.rotate()
        for name in order:
            work = works[name]
            started = time.process_time()
            texts[name].append(work(case, page))
            milliseconds[name].append((time.process_time() - started) * 1000)
    golds = [case.gold for case in found]
    return [
        Row(name, score(golds, texts[name]), len(found) * 1000 / sum(spent), spent, peak_of(name))
        for name, spent in milliseconds.items()
    ]


def peak_of(name: str) -> int:
    """Return the most memory a process holds that takes every page once by this extractor."""
    command = [sys.executable, "-m", "tests.benchmarks.extractors", name]
    told = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=PEAK_TIMEOUT_SECONDS
    )
    return int(told.stdout)


def through_children(found: Sequence[Case], count: int) -> Row:
    """Return the row of the real processor with this many children, by the clock."""
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


def line(row: Row, beside: float) -> str:
    """Return a row of the table as text; `beside` is the speed that counts as 1."""
    ordered = sorted(row.milliseconds)
    p50, p99 = ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
    memory = f"{row.peak_bytes / MEBIBYTE:6.0f}" if row.peak_bytes else f"{'':6}"
    figures = " ".join(
        f"{value:.4f} ±{width:.4f}"
        for value, width in zip(row.score[:3], row.score.intervals, strict=True)
    )
    return f"{row.name:32} {row.speed:7.1f} {row.speed / beside:5.2f} {p50:6.1f} {p99:6.1f} {memory}  {figures}"


def text_part(found: Sequence[Case]) -> bool:
    """Print the table of text; tells whether the product's own F1 is high enough."""
    print(f"article-extraction-benchmark, {len(found)} pages")
    print(
        f"{'':32} {'docs/s':>7} {'':5} {'p50':>6} {'p99':>6} {'peak':>6}\n"
        f"{'':32} {'of CPU':>7} {'ratio':>5} {'ms':>6} {'ms':>6} {'MiB':>6}"
        f"  {'F1':6} ±95 %   {'P':6} ±95 %   {'R':6} ±95 %"
    )
    table = {row.name: row for row in rows(found)}
    for row in table.values():
        print(line(row, table[THEIRS].speed))
    ratio = table[OURS].speed / table[THEIRS].speed
    print(f"ratio: to {THEIRS}; ours is {ratio:.2f} times as fast")
    return table[OURS].score.f1 >= LEAST_F1


def children_part(found: Sequence[Case]) -> bool:
    """Print the rows of children."""
    one, two = (through_children(found, count) for count in (1, 2))
    print("\n".join(line(row, one.speed) for row in (one, two)))
    return True


def stage_part(found: Sequence[Case]) -> bool:
    """Print the rows of the stage."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        telemetry.configure("bench", stream=nowhere, level="info")
        print("\n".join(extraction_stage.lines([page_of(case) for case in found])))
    return True


def main() -> int:
    """Print what was asked for; give 1 when the product's own F1 is too low, else 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks extraction")
    parser.add_argument("parts", nargs="*", metavar="PART", help="text, children, stage, memory")
    parser.add_argument("--pages", type=int, default=10_000, help="how many pages memory takes")
    asked = parser.parse_args()
    folder = data_folder()
    if folder is None:
        print(
            "extraction: the article-extraction-benchmark is not there; see NEWS_INGEST_TEST_DATA"
        )
        return 0
    parts: dict[str, Callable[[Sequence[Case]], bool]] = {
        "text": text_part,
        "children": children_part,
        "stage": stage_part,
        "memory": lambda _: _memory(asked.pages),
    }
    unknown = [name for name in asked.parts if name not in parts]
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}; known: {', '.join(parts)}")
    found = list(cases(folder))
    good = [parts[name](found) for name in asked.parts or ("text", "children", "stage")]
    return 0 if all(good) else 1


def _memory(count: int) -> bool:
    extraction_memory.measure(count)
    return True


if __name__ == "__main__":
    sys.exit(main())
