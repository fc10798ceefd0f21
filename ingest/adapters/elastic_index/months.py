"""Manages the monthly indexes: lists, creates and drops them."""

from __future__ import annotations

from datetime import datetime, timedelta

from ingest.adapters.elastic_index.body import SCHEMA_VERSION
from ingest.adapters.elastic_index.client import Engine
from ingest.adapters.elastic_index.schema import Json, Schema
from ingest.errors import IndexDiffers
from ingest.ports import Clock

#: How long the list of months is cached; a month that another process created shows up by then.
_LIST_AGE = timedelta(seconds=10)
_SETUP = "run `news-ingest setup`"


class Months:
    """The months of one archive. An index is always created together with its aliases."""

    def __init__(self, engine: Engine, schema: Schema, clock: Clock) -> None:
        self._engine = engine
        self._schema = schema
        self._names = schema.names
        self._clock = clock
        self._aliases: tuple[str, ...] = ()
        self._listed_at: datetime | None = None
        self._is_schema_checked = False

    def listed(self, *, refresh: bool = False) -> tuple[str, ...]:
        """Return the aliases of all months, oldest first; cached for ten seconds."""
        now = self._clock()
        if refresh or self._listed_at is None or abs(now - self._listed_at) > _LIST_AGE:
            self._aliases = tuple(sorted(self._by_alias()))
            self._listed_at = now
        return self._aliases

    def create(self, alias: str) -> None:
        """Create the index of a month with both its aliases, if it does not exist.

        Errors: IndexDiffers when the templates are missing or of another version.
        """
        self.check_schema()
        self._engine.request(
            "PUT",
            f"/{alias}-r1",
            "creating the index of a month",
            body={
                "aliases": {
                    alias: {},
                    self._names.documents: {"filter": self._schema.alias_filter},
                }
            },
            accepting=frozenset({"resource_already_exists_exception"}),
        )
        self._listed_at = None

    def drop_before(self, before: datetime) -> int:
        """Delete the months that ended before this and return their number.

        A user without the right to delete indexes leaves them to the engine's lifecycle policy.
        """
        old = {
            alias: indexes
            for alias, indexes in self._by_alias().items()
            if self._names.end_of_month(alias) <= before
        }
        doing, gone_or_denied = "dropping an old month", frozenset({403, 404})
        dropped = {
            alias
            for alias, indexes in old.items()
            for index in indexes
            if self._engine.request("DELETE", f"/{index}", doing, accepting=gone_or_denied)
        }
        self._listed_at = None
        return len(dropped)

    def mappings(self) -> dict[str, Json]:
        """Return the mappings of the indexes of all months."""
        path = f"/{self._names.documents}-*/_mapping"
        answer = self._engine.request_or_none("GET", path, "reading mappings") or {}
        return {
            index: block["mappings"]
            for index, block in answer.items()
            if self._names.is_month_index(index)
        }

    def unread(self) -> list[str]:
        """Return indexes of months that are not behind the filtered alias of all searches."""
        alias = self._names.documents
        answer = (
            self._engine.request_or_none("GET", f"/_alias/{alias},{alias}-*", "listing the months")
            or {}
        )
        return [
            index
            for index, block in answer.items()
            if any(map(self._names.is_month_alias, block["aliases"]))
            and "filter" not in block["aliases"].get(alias, {})
        ]

    def add_read_alias(self, index: str) -> None:
        """Put an index behind the filtered alias of all searches."""
        alias = {
            "index": index,
            "alias": self._names.documents,
            "filter": self._schema.alias_filter,
        }
        self._engine.request(
            "POST", "/_aliases", "adding an alias", body={"actions": [{"add": alias}]}
        )

    def check_schema(self) -> None:
        """Refuse an engine whose templates are missing or of another version; checked once.

        Errors: IndexDiffers.
        """
        if self._is_schema_checked:
            return
        path = f"/_index_template/{self._names.documents}"
        found = self._engine.request_or_none("GET", path, "reading the schema's version")
        if found is None:
            raise IndexDiffers(
                "the engine has no templates of news-ingest",
                value=self._names.documents,
                origin=self._engine.url,
                remedy=_SETUP,
            )
        template = found["index_templates"][0]["index_template"]
        version = template.get("_meta", {}).get("schema_version")
        if version != SCHEMA_VERSION:
            is_newer = isinstance(version, int) and version > SCHEMA_VERSION
            raise IndexDiffers(
                "this news-ingest is older than the index"
                if is_newer
                else "the index is older than this news-ingest",
                value=f"schema version {version}, wanted {SCHEMA_VERSION}",
                origin=self._engine.url,
                remedy="update this news-ingest" if is_newer else _SETUP,
            )
        self._is_schema_checked = True

    def _by_alias(self) -> dict[str, list[str]]:
        path = f"/_alias/{self._names.documents}-*"
        answer = self._engine.request_or_none("GET", path, "listing the months") or {}
        found: dict[str, list[str]] = {}
        for index, block in answer.items():
            for alias in block["aliases"]:
                if self._names.is_month_alias(alias):
                    found.setdefault(alias, []).append(index)
        return found
