"""Elasticsearch behind the Index port."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

import msgspec

from ingest import wire
from ingest.adapters.elastic_index import read
from ingest.adapters.elastic_index.body import encode, tombstone
from ingest.adapters.elastic_index.client import Engine, Write
from ingest.adapters.elastic_index.months import Months
from ingest.adapters.elastic_index.revisions import ElasticRevisions
from ingest.adapters.elastic_index.schema import IndexNames, Schema, previous_month
from ingest.adapters.elastic_index.setup import Step, steps
from ingest.adapters.elastic_index.side_index import SideIndex
from ingest.adapters.elastic_index.site_layouts import ElasticSiteLayouts
from ingest.adapters.elastic_index.write import write
from ingest.errors import IndexDiffers, IndexUnavailable
from ingest.model import IndexedDocument
from ingest.ports import Clock, ExportPage, FeedRecord, IndexWrite, Known, Verdict
from ingest.ports.known import TOMBSTONE_VERSION
from ingest.query import SearchRequest, SearchResult, languages_asked
from ingest.settings.options import IndexOptions

OLDEST_VERSION = (8, 19)
_FEEDS_AT_ONCE = 1000
_LANGUAGES_AGE = timedelta(seconds=30)


class ElasticIndex:
    """Documents in one index for each month, read through aliases.

    `config_folder` is the folder that contains `index/` with the templates. One for each process,
    used by one thread at a time.
    """

    capabilities = frozenset(
        {"ranks_all_hits", "counts_all_facets", "spreads_over_machines", "is_networked"}
    )

    def __init__(self, options: IndexOptions, *, config_folder: Path, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._names = IndexNames(options.prefix)
        self._engine = Engine(options)
        self._schema = Schema(config_folder / "index", self._names, options.retention_months)
        self._months = Months(self._engine, self._schema, clock)
        #: Months that this process has written to: documents may not be searchable yet.
        self._written: set[str] = set()
        self._languages: set[str] = set()
        self._languages_at: datetime | None = None
        self.revisions = ElasticRevisions(self._engine, self._names.of("news-revisions"))
        self.feeds = ElasticFeedRecords(self._engine, self._names.of("news-feeds"))
        self.dead_letters = SideIndex(self._engine, self._names.of("news-dead-letters"))
        self.layouts = ElasticSiteLayouts(
            self._engine, self._names.documents, self._names.of("news-sites")
        )

    # ── writing ─────────────────────────────────────────────────────────────────────────────

    def put(self, documents: Sequence[IndexWrite]) -> list[Verdict]:
        """Write in bulk; one verdict each, in order.

        Errors: IndexUnavailable (nothing may be assumed written), IndexRefused, IndexDiffers.
        """
        self._months.check_schema()
        now = self._clock()
        prepared = [self._prepared(one, now) for one in documents]
        writes = [one for one in prepared if isinstance(one, Write)]
        verdicts = iter(write(self._engine, self._months, writes))
        self._written.update(one.index for one in writes)
        self._languages.update(one.document.language for one in documents)
        return [next(verdicts) if isinstance(one, Write) else one for one in prepared]

    def _prepared(self, wanted: IndexWrite, now: datetime) -> Write | Verdict:
        document = wanted.document
        body = encode(document, now, self._options.max_document_bytes)
        if isinstance(body, Verdict):
            return body
        alias = wanted.index or self._names.month_alias(document.first_seen_at)
        return Write(alias, document.id, document.version, body)

    def known(self, ids: Iterable[str]) -> dict[str, Known]:
        """Return what is known of these ids, searchable yet or not; tombstones too."""
        listed = self._months.listed()
        now = self._clock()
        fresh = {self._names.month_alias(at) for at in (now, previous_month(now))} | self._written
        recent = sorted(fresh, reverse=True)
        others = [alias for alias in listed if alias not in fresh]
        return read.known(self._engine, ids, recent, others)

    def refresh(self) -> None:
        """Make all that was written searchable."""
        beside = [self._names.of(name) for name in ("news-revisions", "news-feeds")]
        every = ",".join((self._names.documents, *beside))
        path = f"/{every}/_refresh?ignore_unavailable=true"
        self._engine.request("POST", path, "refreshing")
        self._languages_at = None

    def remove(self, ids: Collection[str], reason: str, now: datetime) -> int:
        """Write tombstones that no later write replaces; return how many of these are known."""
        found = self.known(ids)
        self.revisions.forget_documents(list(found))  # before the documents stop being found
        writes = [
            Write(one.index, id, TOMBSTONE_VERSION, tombstone(id, one.first_seen_at, reason, now))
            for id, one in found.items()
            if not one.is_removed
        ]
        for item, verdict in zip(writes, write(self._engine, self._months, writes), strict=True):
            if verdict.kind in ("failed", "refused"):
                raise IndexUnavailable(
                    "a document could not be removed", value=f"{item.id}: {verdict.reason}",
                    origin=self._engine.url, remedy="try again when the engine is well",
                )  # fmt: skip
        self._written.update(item.index for item in writes)
        return len(found)

    def expire(self, before: datetime) -> int:
        """Drop the months that ended before this and return their number."""
        self.revisions.forget_before(before)
        return self._months.drop_before(before)

    # ── reading ─────────────────────────────────────────────────────────────────────────────

    def get(self, id: str) -> IndexedDocument | None:
        """Return one document; None when unknown or removed."""
        found = self.known([id]).get(id)
        if found is None or found.is_removed:
            return None
        return read.document_at(self._engine, found.index, id)

    def search(self, request: SearchRequest) -> SearchResult:
        """Return what matches. Errors: QueryError, IndexUnavailable, IndexRefused."""
        languages = self._languages_for(request)
        return read.search(self._engine, self._names.documents, request, languages)

    def export(self, request: SearchRequest, cursor: str | None = None) -> ExportPage:
        """Return all matches in the order of first_seen_at and id, `request.size` a page."""
        languages = self._languages_for(request)
        return read.export(self._engine, self._names.documents, request, languages, cursor)

    def months(self) -> dict[str, int]:
        """Return the number of documents and tombstones by the month in which first seen."""
        month = {"field": "first_seen_at", "calendar_interval": "month", "format": "yyyy-MM"}
        body = {"size": 0, "aggs": {"months": {"date_histogram": month}}}
        answer = self._engine.search(f"{self._names.documents}-*", body)
        buckets = answer.get("aggregations", {}).get("months", {}).get("buckets", ())
        return {one["key_as_string"]: one["doc_count"] for one in buckets}

    def _languages_for(self, request: SearchRequest) -> list[str]:
        """Return the languages to compile for: those asked for, else those that occur."""
        asked = languages_asked(request.query)
        if asked is not None:
            return sorted(asked)
        now = self._clock()
        if self._languages_at is None or abs(now - self._languages_at) > _LANGUAGES_AGE:
            self._languages = set(read.languages_in(self._engine, self._names.documents))
            self._languages_at = now
        return sorted(self._languages)

    # ── schema ──────────────────────────────────────────────────────────────────────────────

    def differences(self, now: datetime) -> list[str]:
        """Return a sentence for each difference between this schema and the engine's.

        Errors: also IndexUnavailable when an index of ours accepts no writes.
        """
        self.ping()
        self._check_blocks()
        return [step.difference for step in self._steps(now)]

    def _check_blocks(self) -> None:
        path = f"/_cluster/state/blocks/{self._names.of('news-*')}?expand_wildcards=all"
        blocks = self._engine.request("GET", path, "looking for blocks")["blocks"]
        places = {"the cluster": blocks.get("global", {}), **blocks.get("indices", {})}
        for name, block in ((key, one) for key in places for one in places[key].values()):
            if "write" in block["levels"]:
                raise IndexUnavailable(
                    "the index accepts no writes", value=f"{name}: {block['description']}",
                    origin=self._engine.url,
                    remedy="free disk space for Elasticsearch, or remove the block",
                )  # fmt: skip

    def apply(self, now: datetime) -> list[str]:
        """Create and alter until nothing differs and return what was done.

        Errors: IndexDiffers when an index must be rebuilt, after all else was done.
        """
        self.ping()
        done, stuck = [], []
        for step in self._steps(now):
            if step.fix is None:
                stuck.append(step.difference)
            else:
                step.fix()
                done.append(step.done)
        if stuck:
            raise IndexDiffers(
                "the schema needs a rebuild", value="; ".join(stuck), origin=self._engine.url
            )
        return done

    def _steps(self, now: datetime) -> Iterator[Step]:
        return steps(self._engine, self._schema, self._months, now)

    def ping(self) -> str:
        """Return the name and version of the engine. Errors: IndexUnavailable, IndexDiffers."""
        answer = self._engine.request("GET", "/", "asking for its version")
        number = str(answer["version"]["number"])
        if tuple(int(part) for part in number.split(".")[:2]) < OLDEST_VERSION:
            raise IndexDiffers(
                "this Elasticsearch is too old",
                value=number,
                origin=self._engine.url,
                remedy="use 8.19 or newer",
            )
        return f"Elasticsearch {number}"

    def close(self) -> None:
        self._engine.close()


class ElasticFeedRecords:
    """The health of each feed, in the index `news-feeds`."""

    def __init__(self, engine: Engine, alias: str) -> None:
        self._engine = engine
        self._index = SideIndex(engine, alias)

    def put(self, records: Sequence[FeedRecord]) -> None:
        self._index.write([(one.feed_id, one.version, wire.encode(one)) for one in records])

    def find(self, ids: Iterable[str]) -> dict[str, FeedRecord]:
        found = {}
        for part in _parts(ids):
            places = [(self._index.alias, id) for id in part]
            for _, item in self._engine.found(places, (), "reading the health of feeds"):
                found[item["_id"]] = msgspec.convert(item["_source"], FeedRecord)
        return found

    def ids(self) -> frozenset[str]:
        self._index.refresh()
        hits = self._index.scan({"query": {"match_all": {}}, "_source": False}, by="feed_id")
        return frozenset(hit["_id"] for hit in hits)

    def remove(self, ids: Iterable[str]) -> None:
        for part in _parts(ids):
            self._index.delete({"terms": {"feed_id": part}})


def _parts(ids: Iterable[str]) -> Iterator[list[str]]:
    left = iter(ids)
    while part := list(islice(left, _FEEDS_AT_ONCE)):
        yield part
