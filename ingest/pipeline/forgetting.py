"""Keeps what is forgotten out of the stages that work in batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ingest.outcome import Drop, Outcome
from ingest.pipeline.batch_loop import Work
from ingest.pipeline.transform import named_in
from ingest.ports import Record
from ingest.records.emission import Judged
from ingest.records.forgotten import FORGOTTEN, Forgets, ForgetsReader, KnownAs, names_in

#: How old the decisions may be when a batch begins.
AGE_SECONDS = 2.0
DROPPED: Outcome[None] = Drop(FORGOTTEN)


class ForgetfulWork:
    """The work of a stage without the records that are forgotten.

    With `erase` or `on_new` no decision is overtaken by a batch: they are read again once the
    batch is written, before its offsets are committed. What is decided until then takes back what
    was just written; what is decided later finds it where the verb `forget` looks.
    """

    def __init__(
        self,
        work: Work,
        reader: ForgetsReader,
        *,
        erase: Callable[[Sequence[KnownAs]], object] | None = None,
        on_new: Callable[[Forgets], object] | None = None,
        outcome: Outcome[None] = DROPPED,
    ) -> None:
        """`erase` removes these records where the work wrote them, now or before a crash.

        `on_new` is called with all decisions when there are new ones, also while no records arrive.
        `outcome` is that of a forgotten record.
        """
        self._work, self._reader, self._erase, self._on_new = work, reader, erase, on_new
        self._outcome = outcome
        self._seen = reader.now

    def process(self, records: Sequence[Record]) -> list[Judged]:
        self.idle()
        gone = self._forgotten(records)
        judged = iter(self._work.process([one for one in records if one.origin not in gone]))
        self._take_back(records)
        return [
            Judged(record=one, outcome=self._outcome, subject=named_in(one))
            if one.origin in gone
            else next(judged)
            for one in records
        ]

    def _take_back(self, records: Sequence[Record]) -> None:
        if self._erase is not None or self._on_new is not None:
            self._reader.read()
        if self._erase is not None and (found := self._forgotten(records)):
            self._erase(list(found.values()))
        self._tell()

    def idle(self) -> None:
        """Read the decisions if that is due. Errors: LogUnavailable, and those of `on_new`."""
        self._reader.read(AGE_SECONDS)
        self._tell()

    def _tell(self) -> None:
        if self._on_new is not None and self._seen is not self._reader.now:
            self._on_new(self._reader.now)
        self._seen = self._reader.now

    def _forgotten(self, records: Sequence[Record]) -> dict[str, KnownAs]:
        """Return the names of the records that are forgotten, by their places."""
        if not self._reader.now:
            return {}
        named = ((one.origin, names_in(one.value)) for one in records)
        return {origin: names for origin, names in named if self._reader.now.has(names)}

    def probe(self) -> None:
        self._work.probe()

    def close(self) -> None:
        self._work.close()
