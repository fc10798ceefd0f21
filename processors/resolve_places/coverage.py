"""Which regions a publisher writes about: learnt while documents pass, forgotten slowly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ingest.entities.gazetteer import CAPITAL, CITY, DISTRICT, Place

#: With each document the earlier ones of its publisher count so much less.
DECAY = 0.98
#: A region is covered from this weight on, if it has this part of the publisher's whole.
ENOUGH = 8.0
MAIN_PART = 0.4
MOST_PUBLISHERS = 5_000


class Coverage:
    """The regions of each publisher, by weight.

    It is kept in memory only: a few dozen documents after a start it is what it was, and a store
    would make a document's places depend on more than what the worker saw lately.
    """

    def __init__(self) -> None:
        self._weights: dict[str, Counter[tuple[str, str]]] = {}

    def regions(self, publisher: str) -> frozenset[tuple[str, str]]:
        """Return (country, code of the region) of what a local publisher covers; mostly one."""
        weights = self._weights.get(publisher)
        if weights is None:
            return frozenset()
        least = max(ENOUGH, MAIN_PART * weights.total())
        return frozenset(region for region, weight in weights.items() if weight >= least)

    def learn(self, publisher: str, places: Iterable[Place]) -> None:
        """Add the regions of one document, each once."""
        regions = {(p.country, p.admin) for p in places if p.kind in (CITY, CAPITAL, DISTRICT)}
        if not publisher or not regions:
            return
        weights = self._weights.pop(publisher, Counter())
        self._weights[publisher] = Counter(
            {region: kept for region, weight in weights.items() if (kept := weight * DECAY) > 0.1}
        )
        self._weights[publisher].update(dict.fromkeys(regions, 1.0))
        if len(self._weights) > MOST_PUBLISHERS:
            del self._weights[next(iter(self._weights))]
