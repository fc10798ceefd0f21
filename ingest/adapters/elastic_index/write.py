"""Writes documents in bulk and finds the verdict for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ingest import telemetry
from ingest.adapters.elastic_index.client import Engine, Write, refusal
from ingest.adapters.elastic_index.months import Months
from ingest.adapters.elastic_index.verdicts import (
    EngineAnswer,
    is_about_the_request,
    is_month_missing,
    verdict,
)
from ingest.errors import IndexDiffers, IndexUnavailable
from ingest.ports import Verdict
from ingest.telemetry import Event

month_created = Event("index_month_created")
bulk_request_refused = Event(
    "bulk_request_refused",
    level="warning",
    counter=telemetry.counter("bulk_requests_refused_total", "type"),
)

_DOING = "writing documents"


def write(engine: Engine, months: Months, writes: Sequence[Write]) -> list[Verdict]:
    """Write in bulk; one verdict each, in order.

    A missing month is created and its documents are sent again. A request that is refused as a
    whole is sent again document by document, so that one cannot take others with it.
    Errors: IndexUnavailable (nothing may be assumed written), IndexRefused, IndexDiffers.
    """
    verdicts: list[Verdict | None] = [None] * len(writes)
    for places in _rounds(writes):
        found = _Round(engine, months).run([writes[place] for place in places])
        for place in places:
            verdicts[place] = found.get(writes[place].id)
    complete = [found for found in verdicts if found is not None]
    if len(complete) < len(writes):
        raise IndexUnavailable(
            "the index answered for fewer documents than were sent",
            value=f"{len(complete)} of {len(writes)}",
            origin=engine.url,
            remedy="the batch is sent again",
        )
    return complete


def _rounds(writes: Sequence[Write]) -> list[list[int]]:
    """Return places so that no id stands twice in one round: answers are told apart by id."""
    rounds: list[list[int]] = []
    seen = Counter[str]()
    for place, one in enumerate(writes):
        if seen[one.id] == len(rounds):
            rounds.append([])
        rounds[seen[one.id]].append(place)
        seen[one.id] += 1
    return rounds


class _Round:
    """The writing of documents with different ids."""

    def __init__(self, engine: Engine, months: Months) -> None:
        self._engine = engine
        self._months = months
        self._verdicts: dict[str, Verdict] = {}

    def run(self, writes: list[Write]) -> dict[str, Verdict]:
        """Return the verdicts by id."""
        homeless, suspects = self._send(writes)
        if homeless:
            self._create_months(homeless)
            homeless, more = self._send(homeless)
            suspects += more
        if homeless:
            raise IndexDiffers(
                "a month's index is there without its alias",
                value=homeless[0].index,
                origin=self._engine.url,
                remedy=f"give {homeless[0].index}-r1 its aliases back, or delete it",
            )
        for suspect in suspects:
            self._send_alone(suspect)
        return self._verdicts

    def _send(self, writes: list[Write]) -> tuple[list[Write], list[Write]]:
        """Send all; give those whose month is missing, and those of a request refused whole."""
        by_id = {one.id: one for one in writes}
        homeless: list[Write] = []
        suspects: list[Write] = []
        for id, answer, is_whole in self._engine.bulk(writes):
            if is_whole and is_about_the_request(answer) and len(writes) > 1:
                bulk_request_refused(type=answer.type or f"http_{answer.status}")
                suspects.append(by_id[id])
            elif is_month_missing(answer):
                homeless.append(by_id[id])
            else:
                self._verdicts[id] = self._judged(answer)
        return homeless, suspects

    def _send_alone(self, suspect: Write) -> None:
        homeless, _ = self._send([suspect])
        if homeless:
            self._create_months(homeless)
            self._send(homeless)

    def _judged(self, answer: EngineAnswer) -> Verdict:
        found = verdict(answer)
        if found is None:
            raise refusal(answer, self._engine.url, _DOING)
        return found

    def _create_months(self, writes: list[Write]) -> None:
        for alias in sorted({one.index for one in writes}):
            self._months.create(alias)
            month_created(index=alias)
