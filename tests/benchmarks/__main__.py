"""`make bench`: one table of speeds beside bare loops, and the memory of each process.

    python -m tests.benchmarks [--quick] [--json] [ROW …]
    python -m tests.benchmarks extraction | extraction-peers | entities
    python -m tests.benchmarks polling                    (see those files)

Rows are poll, fetch, extract, enrich, index, whole; all if none is named. README.md here says how
to read the table.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ingest import telemetry
from ingest.model import Page
from tests.benchmarks import extraction_set, network, news, stages
from tests.benchmarks.measure import MEBIBYTE, Row
from tests.benchmarks.rig import in_folder
from tests.benchmarks.whole import Whole, whole

OTHERS = ("extraction", "extraction-peers", "entities", "analyst", "polling", "polling-memory")
#: A batch of the enrich stage, and of the index stage.
WARMING = 100
INDEXED_AT_ONCE = 500


class Size(NamedTuple):
    """How much is measured: counts, and seconds for the idle tree."""

    feeds: int
    entries_a_feed: int
    hosts: int
    pages: int
    documents: int
    indexed: int
    real_pages: int
    whole: int
    idle_seconds: float


FULL = Size(150, 40, 250, 750, 500, 2000, 181, 1000, 8.0)
QUICK = Size(30, 40, 60, 120, 100, 500, 0, 100, 1.0)


class Bench:
    """What was measured so far. Each method measures one part and gives its rows."""

    def __init__(self, size: Size) -> None:
        self.size = size
        self.whole: Whole | None = None
        self._parts: list[Row] = []

    def poll(self) -> list[Row]:
        """The poll stage."""
        size = self.size
        return in_folder(lambda at: network.poll_rows(at, size.feeds, size.entries_a_feed))

    def fetch(self) -> list[Row]:
        """The fetch stage."""
        size = self.size
        return [in_folder(lambda at: network.fetch_row(at, size.hosts, size.pages))]

    def extract(self) -> list[Row]:
        """The extract stage, on invented pages and on those of the benchmark set."""
        made = news.stories(self.size.documents + WARMING, hosts=100)
        rows = stages.extract_rows(stages.pages_of(made), WARMING)
        self._parts.append(rows[0])
        real = _real_pages(self.size.real_pages)
        if real:
            rows += stages.extract_rows(real, WARMING, (2,), "extract, real pages")
        return rows

    def enrich(self) -> list[Row]:
        """The enrich stage."""
        made = news.stories(self.size.documents + WARMING, hosts=100)
        row = stages.enrich_row([news.document_of(one) for one in made], WARMING)
        self._parts.append(row)
        return [row]

    def index(self) -> list[Row]:
        """The index stage."""
        made = news.stories(self.size.documents, hosts=100)
        documents = stages.enriched_documents([news.document_of(one) for one in made])
        row = stages.index_row(
            stages.copied(documents, self.size.indexed + INDEXED_AT_ONCE), INDEXED_AT_ONCE
        )
        self._parts.append(row)
        return [row]

    def end_to_end(self) -> list[Row]:
        """The whole tree."""
        size = self.size
        parts = self._parts if len(self._parts) == 3 else []
        self.whole = in_folder(lambda at: whole(at, size.whole, size.idle_seconds, parts))
        return [self.whole.row]


def main() -> int:
    """Measure and print what the arguments ask for."""
    if len(sys.argv) > 1 and sys.argv[1] in OTHERS:
        name = sys.argv.pop(1)
        module = name.replace("polling-memory", "poll_memory").replace("-", "_")
        return importlib.import_module(f"tests.benchmarks.{module}").main() or 0
    parts: dict[str, Callable[[Bench], list[Row]]] = {
        "poll": Bench.poll, "fetch": Bench.fetch, "extract": Bench.extract,
        "enrich": Bench.enrich, "index": Bench.index, "whole": Bench.end_to_end,
    }  # fmt: skip
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument(
        "rows", nargs="*", metavar="ROW", help=f"of {', '.join(parts)}; all if none is named"
    )
    parser.add_argument("--quick", action="store_true", help="a rough table in half a minute")
    parser.add_argument("--json", action="store_true", help="JSON instead of the table")
    asked = parser.parse_args()
    unknown = [name for name in asked.rows if name not in parts]
    if unknown:
        parser.error(f"no such row: {', '.join(unknown)}; known: {', '.join(parts)}")
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        telemetry.configure("bench", stream=nowhere, level="info")
        bench = Bench(QUICK if asked.quick else FULL)
        began = time.monotonic()
        rows: list[Row] = []
        if not asked.json:
            print(_head())
        for name in asked.rows or parts:
            made = parts[name](bench)
            rows += made
            if not asked.json:
                print("\n".join(_line(row) for row in made), flush=True)
        seconds = time.monotonic() - began
    if asked.json:
        print(json.dumps({"rows": [_plain(row) for row in rows], **_plain_whole(bench.whole)}))
    else:
        print("\n".join(_foot(bench.whole)))
        print(f"\nmeasured in {seconds:.0f} s; load of the machine now {os.getloadavg()[0]:.1f}")
    return 0


def _real_pages(most: int) -> list[Page]:
    folder = extraction_set.data_folder() if most else None
    return (
        []
        if folder is None
        else [
            extraction_set.page_of(case)
            for case in itertools.islice(extraction_set.cases(folder), most)
        ]
    )


def _head() -> str:
    above = f"{'':28} {'':>6}  {'stage':^17}  {'bare loop':^17}  {'stage/bare':^13}"
    return above + (
        f"\n{'':28} {'count':>6}  {'per s':>8} {'per CPU s':>8}"
        f" {'per s':>8} {'per CPU s':>9}  {'clock':>6} {'CPU':>6}  unit, and what the bare loop is"
    )


def _line(row: Row) -> str:
    line = f"{row.name:28} {row.count:6}  {row.per_second:8.1f} {row.per_cpu_second:9.1f}"
    if row.bare is None:
        return f"{line} {'':33}  {row.unit}"
    return (
        f"{line} {row.bare_per_second:8.1f} {row.bare_per_cpu_second:9.1f}"
        f"  {row.wall_ratio:6.2f} {row.cpu_ratio:6.2f}  {row.unit}; {row.bare_name}"
    )


def _foot(found: Whole | None) -> Iterator[str]:
    if found is None:
        return
    yield f"\nstart of the tree: {found.start.wall:.1f} s, {found.start.cpu:.1f} s of CPU"
    yield f"idle tree: {found.idle_share:.1%} of one core"
    yield f"\n{'memory after the end to end run':32} {'MiB now':>8} {'peak':>6}"
    for one in found.memory:
        peak = f"{one.peak / MEBIBYTE:6.0f}" if one.peak else f"{'?':>6}"
        yield f"{one.name:32} {one.resident / MEBIBYTE:8.0f} {peak}"
    yield f"{'all':32} {sum(one.resident for one in found.memory) / MEBIBYTE:8.0f}"


def _plain(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "unit": row.unit,
        "count": row.count,
        "per_second": row.per_second,
        "per_cpu_second": row.per_cpu_second,
        "bare": row.bare_name,
        "bare_per_second": row.bare_per_second,
        "bare_per_cpu_second": row.bare_per_cpu_second,
        "ratio_by_clock": row.wall_ratio,
        "ratio_by_cpu": row.cpu_ratio,
    }


def _plain_whole(found: Whole | None) -> dict[str, Any]:
    if found is None:
        return {}
    return {
        "start_seconds": found.start.wall,
        "start_cpu_seconds": found.start.cpu,
        "idle_share_of_a_core": found.idle_share,
        "memory": [
            {"process": one.name, "resident_bytes": one.resident, "peak_bytes": one.peak}
            for one in found.memory
        ],
    }


if __name__ == "__main__":
    sys.exit(main())
