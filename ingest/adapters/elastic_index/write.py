"""Writes documents in bulk and returns the verdict on each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ingest.adapters.elastic_index.client import Engine, Write, refusal
from ingest.adapters.elastic_index.months import Months
from ingest.adapters.elastic_index.verdicts import is_month_missing, verdict
from ingest.errors import IndexDiffers
from ingest.ports import Verdict
from ingest.telemetry import Event

_DOING = "writing documents"

month_created = Event("index_month_created")
bulk_request_refused = Event(
    "bulk_request_refused", level="warning", counts="bulk_requests_refused_total"
)


def write(engine: Engine, months: Months, writes: Sequence[Write]) -> list[Verdict]:
    """Write in bulk; one verdict each, in order.

    A missing month is created and its documents are sent again. A request that is refused as a
    whole is sent again document by document, so one document does not affect the others.
    Errors: IndexUnavailable (nothing may be assumed written), IndexRefused, IndexDiffers.
    """
    verdicts: dict[int, Verdict] = {}
    for places in _rounds(writes):
        found = _Round(engine, months).run([writes[place] for place in places])
        verdicts |= {place: found[writes[place].id] for place in places}
    return [verdicts[place] for place in range(len(writes))]


def _rounds(writes: Sequence[Write]) -> list[list[int]]:
    """Return rounds of places without repeated ids, since answers are matched by id."""
    rounds: list[list[int]] = []
    seen = Counter[str]()
    for place, one in enumerate(writes):
        if seen[one.id] == len(rounds):
            rounds.append([])
        rounds[seen[one.id]].append(place)
        seen[one.id] += 1
    return rounds


class _Round:
    """Writes documents with different ids."""

    def __init__(self, engine: Engine, months: Months) -> None:
        self._engine = engine
        self._months = months
        self._verdicts: dict[str, Verdict] = {}

    def run(self, writes: list[Write]) -> dict[str, Verdict]:
        """Return the verdicts by id."""
        monthless, suspects = self._send(writes)
        if monthless:
            for alias in sorted({one.index for one in monthless}):
                self._months.create(alias)
                month_created(index=alias)
            monthless, more = self._send(monthless)
            suspects += more
        if monthless:
            raise IndexDiffers(
                "the index of a month lacks its alias",
                value=monthless[0].index,
                origin=self._engine.url,
                remedy=f"add the aliases to {monthless[0].index}-r1 again, or delete it",
            )
        for suspect in suspects:
            self.run([suspect])
        return self._verdicts

    def _send(self, writes: list[Write]) -> tuple[list[Write], list[Write]]:
        """Send all and return those without a month, and those of requests refused as a whole."""
        by_id = {one.id: one for one in writes}
        monthless: list[Write] = []
        suspects: list[Write] = []
        for id, answer, is_whole in self._engine.bulk(writes, _DOING):
            if is_whole and len(writes) > 1:
                bulk_request_refused(type=answer.type or f"http_{answer.status}")
                suspects.append(by_id[id])
            elif is_month_missing(answer):
                monthless.append(by_id[id])
            else:
                found = verdict(answer)
                if found is None:
                    raise refusal(answer, self._engine.url, _DOING)
                self._verdicts[id] = found
        return monthless, suspects
