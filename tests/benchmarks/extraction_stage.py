"""The extract stage on the embedded log and on Kafka, beside the same children fed from memory."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import msgspec

from ingest.bootstrap.engines import chain_of
from ingest.model import Page
from tests.benchmarks.broker import Broker
from tests.benchmarks.measure import Spent, here
from tests.benchmarks.rig import StageRun, extract_work, in_folder, settings_in

CHILDREN = 2
#: Each way is measured this often in turns, so that a busy machine is unfair to none.
TURNS = 3
WARMING = 60


def lines(pages: Sequence[Page]) -> Iterator[str]:
    """Return the table, a line at a time. Without a broker, only its row is missing."""
    yield f"\nextract stage, {CHILDREN} children; CPU of parent and children, {TURNS} turns"
    yield f"{'':32} {'docs/s':>7} {'docs/s':>7}\n{'':32} {'of CPU':>7} {'clock':>7} {'ratio':>6}"
    spent = {"fed from memory": Spent(0, 0), "embedded log": Spent(0, 0), "Kafka": Spent(0, 0)}
    try:
        with Broker() as broker:
            for turn in range(TURNS):
                _turn(spent, _copies(pages, turn), broker)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        del spent["Kafka"]
        for turn in range(TURNS):
            _turn(spent, _copies(pages, turn), None)
    count = TURNS * len(pages)
    for name, cost in spent.items():
        ratio = spent["fed from memory"].cpu / cost.cpu
        yield f"{name:32} {count / cost.cpu:7.1f} {count / cost.wall:7.1f} {ratio:6.3f}"


def _turn(spent: dict[str, Spent], pages: Sequence[Page], broker: Broker | None) -> None:
    all_pages = [*_copies(pages[:WARMING], 1000), *pages]
    ways = {
        "fed from memory": partial(
            _from_memory, all_pages, broker.process_ids if broker else frozenset()
        ),
        "embedded log": partial(_through_log, all_pages, None),
        "Kafka": partial(_through_log, all_pages, broker),
    }
    for name in spent:
        spent[name] = spent[name].plus(in_folder(ways[name]))


def _copies(pages: Sequence[Page], number: int) -> list[Page]:
    """Return the pages as other documents, so that no memory of them helps."""
    return [
        msgspec.structs.replace(page, document_id=f"{number:04x}{page.document_id[4:]}")
        for page in pages
    ]


def _from_memory(pages: Sequence[Page], not_counted: frozenset[int], folder: Path) -> Spent:
    (processor,) = chain_of(settings_in(folder), "extract", children=CHILDREN)
    processor.work.process_batch(pages[:WARMING])
    began = here(not_counted)
    processor.work.process_batch(pages[WARMING:])
    spent = here(not_counted) - began
    processor.work.close()
    return spent


def _through_log(pages: Sequence[Page], broker: Broker | None, folder: Path) -> Spent:
    run = StageRun(
        "extract", folder, ((page.document_id, page) for page in pages), WARMING, broker=broker
    )
    spent = run.measured(extract_work(run, CHILDREN))
    run.close()
    return spent
