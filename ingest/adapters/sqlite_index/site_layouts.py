"""Facts about the page layout of sites, and alarms, in two tables of the embedded index."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from statistics import median

import msgspec

from ingest import wire
from ingest.adapters.sqlite_file import Row
from ingest.adapters.sqlite_index.index_file import Connection, IndexFile
from ingest.adapters.sqlite_index.rows import milliseconds
from ingest.model import IndexedDocument
from ingest.ports import LayoutAlarm, LayoutFacts, SiteLayout
from ingest.ports.site_layouts import RULES, SIGNALS, is_watched, signals_of

#: Bits of `page_fact.facts`: one for each signal, then whether the page was read and has a rule.
_BITS = {name: 1 << number for number, name in enumerate((*SIGNALS, "page", "rule"))}
_ORDERS = {
    "shorter": "f.characters, d.id",
    "longer": "f.characters DESC, d.id",
    "dropped_lines": "f.dropped_lines DESC, d.id",
}
_MAX_FEEDS = 50
#: Maximum number of documents of a site whose feeds are read.
_MAX_ASKED = 1000


class SqliteSiteLayouts:
    """The sites of one file."""

    def __init__(self, file: IndexFile) -> None:
        self._file = file

    def layouts(
        self, before_since: datetime, latest_since: datetime, least: int
    ) -> tuple[SiteLayout, ...]:
        latest = milliseconds(latest_since)
        rows = self._file.rows(
            "SELECT site, fetched_at >= ?, characters, dropped_lines, facts FROM page_fact "
            "WHERE fetched_at >= ? AND site IN (SELECT site FROM page_fact "
            "WHERE fetched_at >= ? GROUP BY site HAVING count(*) >= ?) ORDER BY site",
            (latest, milliseconds(before_since), latest, least),
        )
        found = []
        for site, group in groupby(rows, key=itemgetter(0)):
            of_site = list(group)
            found.append(
                SiteLayout(
                    site=site,
                    latest=_facts(row for row in of_site if row[1]),
                    before=_facts(row for row in of_site if not row[1]),
                )
            )
        return tuple(found)

    def examples(self, site: str, signal: str, since: datetime, size: int) -> tuple[str, ...]:
        order = _ORDERS.get(signal, "f.fetched_at DESC, d.id")
        bits = _BITS.get(signal, 0)
        rows = self._file.rows(
            "SELECT d.id FROM page_fact AS f JOIN document AS d ON d.key = f.document "  # noqa: S608
            "WHERE f.site = ? AND f.fetched_at >= ? AND f.facts & ? = ? "
            f"ORDER BY {order} LIMIT ?",
            (site, milliseconds(since), bits, bits, size),
        )
        return tuple(row[0] for row in rows)

    def feeds_of(self, site: str, since: datetime) -> tuple[str, ...]:
        rows = self._file.rows(
            "SELECT d.feed_ids FROM page_fact AS f JOIN document AS d ON d.key = f.document "
            "WHERE f.site = ? AND f.fetched_at >= ? LIMIT ?",
            (site, milliseconds(since), _MAX_ASKED),
        )
        ids = {id for row in rows for id in msgspec.json.decode(row[0], type=tuple[str, ...])}
        return tuple(sorted(ids)[:_MAX_FEEDS])

    def put_alarms(self, alarms: Sequence[LayoutAlarm]) -> None:
        if not alarms and not self._file.is_there():
            return
        self._file.make()
        with self._file.writing() as connection:
            connection.change("DELETE FROM layout_alarm")
            connection.change_each(
                "INSERT INTO layout_alarm (id, json) VALUES (?, ?)",
                [(one.id, wire.encode(one)) for one in alarms],
            )

    def alarms(self) -> tuple[LayoutAlarm, ...]:
        rows = self._file.rows("SELECT json FROM layout_alarm ORDER BY id")
        return tuple(wire.decode(row[0], LayoutAlarm) for row in rows)


def write_facts(connection: Connection, key: int, document: IndexedDocument) -> None:
    """Store what a document shows of the layout of its site."""
    if not is_watched(document):
        return
    extraction = document.extraction
    names = [*signals_of(document)]
    names += ["page"] if "page" in extraction.given else []
    names += ["rule"] if extraction.body_rule in RULES else []
    connection.change(
        "INSERT INTO page_fact (document, site, fetched_at, characters, dropped_lines, facts) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (
            key,
            document.domain,
            milliseconds(document.fetched_at),
            extraction.characters,
            extraction.dropped_lines,
            sum(_BITS[name] for name in names),
        ),
    )


def forget_facts(connection: Connection, key: int) -> None:
    """Remove what was stored for one document."""
    connection.change("DELETE FROM page_fact WHERE document = ?", (key,))


def _facts(rows: Iterable[Row]) -> LayoutFacts:
    kept = list(rows)
    counts = {name: sum(bool(row[4] & bit) for row in kept) for name, bit in _BITS.items()}
    return LayoutFacts(
        documents=len(kept),
        pages=counts.pop("page"),
        rules=counts.pop("rule"),
        median_characters=float(median([row[2] for row in kept])) if kept else 0.0,
        dropped_lines=sum(row[3] for row in kept),
        counts=counts,
    )
