"""One index beside the documents: small records by id, with an alias of its own."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ingest.adapters.elastic_index.client import Engine, Write, refusal
from ingest.adapters.elastic_index.verdicts import is_month_missing, verdict
from ingest.errors import IndexDiffers, IndexUnavailable
from ingest.ports import Verdict
from ingest.telemetry import Event

side_record_refused = Event(
    "index_record_refused", level="warning", counts="index_records_refused_total"
)


class SideIndex:
    """Writes and reads such an index. An older version of an id never wins.

    Errors of every method: IndexUnavailable, IndexRefused; IndexDiffers when the index does not
    exist.
    """

    def __init__(self, engine: Engine, alias: str) -> None:
        self._engine = engine
        self.alias = alias

    def write(self, records: Sequence[tuple[str, int, bytes | None]]) -> None:
        """Write ids, versions and bodies (None deletes) in bulk.

        A record that the engine refuses is logged; the others are written.
        Errors: also IndexUnavailable when the engine failed on a record.
        """
        for found in self.write_each(records).values():
            if found.kind == "failed":
                raise IndexUnavailable(
                    "the index failed on a record",
                    value=f"{found.code}: {found.reason}",
                    origin=f"{self._engine.url}/{self.alias}",
                    remedy="it is written again later; if that does not help, see the engine's log",
                )

    def write_each(self, records: Sequence[tuple[str, int, bytes | None]]) -> dict[str, Verdict]:
        """Write in bulk and return the verdicts on those that were refused or failed, by id."""
        left: dict[str, Verdict] = {}
        writes = [Write(self.alias, *one) for one in records]
        doing = f"writing to {self.alias}"
        for id, answer, _ in self._engine.bulk(writes, doing):
            if is_month_missing(answer):
                raise IndexDiffers(
                    "the engine lacks an index of news-ingest",
                    value=self.alias,
                    origin=self._engine.url,
                    remedy="run `news-ingest setup`",
                )
            if answer.status == 404:  # a deleted record that did not exist
                continue
            found = verdict(answer)
            if found is None:
                raise refusal(answer, self._engine.url, doing)
            if found.kind in ("refused", "failed"):
                left[id] = found
                side_record_refused(index=self.alias, code=found.code, id=id, reason=found.reason)
        return left

    def refresh(self) -> None:
        """Make all that was written searchable."""
        path = f"/{self.alias}/_refresh?ignore_unavailable=true"
        self._engine.request("POST", path, "refreshing")

    def delete(self, query: Mapping[str, Any]) -> None:
        """Delete what matches, including what is not searchable yet."""
        self.refresh()
        path = f"/{self.alias}/_delete_by_query?ignore_unavailable=true&conflicts=proceed"
        self._engine.request("POST", path, f"deleting from {self.alias}", body={"query": query})

    def keep_only(self, ids: Collection[str]) -> None:
        """Delete all records but these."""
        self.delete({"bool": {"must_not": {"ids": {"values": sorted(ids)}}}})

    def scan(
        self, body: Mapping[str, Any], *, by: str, size: int = 1000
    ) -> Iterator[dict[str, Any]]:
        """Yield all hits that match in the order of the field `by`, which is unique."""
        after: list[Any] | None = None
        while True:
            page = {**body, "size": size, "sort": [{by: "asc"}], "track_total_hits": False}
            page |= {"search_after": after} if after else {}
            hits = self._engine.search(self.alias, page)["hits"]["hits"]
            yield from hits
            if len(hits) < size:
                return
            after = hits[-1]["sort"]
