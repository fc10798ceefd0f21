"""The report of a trial: what feeds and sites did, from the log, the index and the stages' lines.

It may be shared: it has numbers and addresses, no texts, no settings, and no secrets
(ingest/masking.py).
"""

from __future__ import annotations

import json
import platform
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from itertools import islice
from operator import attrgetter
from typing import Any, TypeAlias
from urllib.parse import quote

import msgspec

from ingest import __version__
from ingest.errors import WireError
from ingest.identity import host_of
from ingest.masking import masked
from ingest.model import DropRecord, IndexedDocument, Page
from ingest.operations.audit import audited
from ingest.operations.feeds.client import feed_states
from ingest.operations.ledger import dead_letters, documents_of
from ingest.polling.report.feed_reporter import percentile
from ingest.polling.state.feed_state import FeedState, feed_health
from ingest.ports import Index, Log
from ingest.records.reading import scanned, values
from ingest.records.stage_plan import DROPS, StagePlan, plans
from ingest.settings.load import Settings
from ingest.wire import decode

#: Sections by title, each a table of rows.
Report: TypeAlias = dict[str, list[dict[str, Any]]]

#: Number of addresses that stand for a group.
EXAMPLES = 5
FIELDS = ("title", "authors", "published_at", "modified_at", "summary", "section", "image")
#: Sources of a field that its site did not give.
NOT_FOUND = ("", "none", "first_seen_at")
#: Flags of a document, and the section that counts them.
FLAGS = dict.fromkeys(("is_consent_page", "is_metered", "is_cut", "has_paywall_phrase"), "Walls")
FLAGS |= dict.fromkeys(
    ("extraction.is_rescued", "extraction.is_short", "extraction.is_truncated", "is_zone_assumed"),
    "Oddities of extraction",
)
#: Events that tell of feeds and pages; of others only warnings and errors count.
_TOLD = ("feed_", "poll_", "page_")
#: Fields of log lines whose values are words of this program; others may quote a site.
_WORDS = ("outcome", "class", "kind", "reason", "last")
_WORD = re.compile(r"[a-z0-9_]{1,40}")
#: What addresses have that sites redirect to in place of an article.
_GATE = re.compile(r"log-?in|sign-?in|consent|subscri|register|paywall", re.IGNORECASE)
#: What Markdown and terminals would interpret in an address.
_MARKS = re.compile(r"[\x00-\x1f\x7f-\x9f|<>`]")


def trial_report(
    settings: Settings, log: Log, index: Index, lines: Iterable[bytes], memory: Mapping[str, int],
    ended_at: datetime,
) -> Report:  # fmt: skip
    """Return what is in log and index, and in these lines of the stages (JSON).

    `memory` is the peak of each stage in bytes. Errors: LogUnavailable, IndexUnavailable.
    """
    found, stages, feeds = _Findings(), plans(settings.pipeline), settings.feeds.feeds
    started_at = found.note_lines(lines, {id: feed.url for id, feed in feeds.items()}) or ended_at
    states = feed_states(settings)
    for feed in feeds.values():
        state = states.get(feed.id, FeedState(feed_id=feed.id))
        health = feed_health(state, is_enabled=feed.enabled, now=ended_at)
        health = f"{health} {state.last_error_class}" if state.last_poll_at else "not polled"
        found.note("Feeds at the end", health, feed.url)
    for plan in stages:
        found.note_records(log, plan)
    for _, drop in values(log, DROPS, DropRecord):
        found.note("Dropped", f"{drop.stage}: {drop.reason}", drop.url)
    index.refresh()
    for document in documents_of(index):
        found.note_document(document, started_at)
    about = {"version": __version__, "python": platform.python_version(), "feeds": len(feeds)}
    about["refused in feeds.yml"] = len(settings.feeds.faults)
    return {
        "Trial of news-ingest": [about | {"started": started_at, "ended": ended_at}],
        "Audit": [msgspec.to_builtins(audited(log, index, stages))],
        "Memory": [{"stage": name, "peak_bytes": size} for name, size in memory.items()],
        **found.tables(),
    }


def as_markdown(report: Report) -> str:
    """Return the report as people read it."""
    lines = []
    for title, rows in report.items():
        lines.append(f"\n## {title}\n")
        rows = rows or [{"what": "none"}]
        columns = list(dict.fromkeys(name for row in rows for name in row))
        cells = [columns, ["---"] * len(columns)]
        cells += [[_cell(row.get(name, "")) for name in columns] for row in rows]
        lines += [f"| {' | '.join(row)} |" for row in cells]
    return masked("\n".join(lines) + "\n")


def _cell(value: object) -> str:
    text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
    return _MARKS.sub(lambda mark: quote(mark[0]), text)


class _Findings:
    """Collects addresses by section and name, numbers by what they measure, counts by site."""

    def __init__(self) -> None:
        self._groups: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        self._numbers: dict[str, list[float]] = defaultdict(list)
        self._answers: dict[str, Counter[str]] = defaultdict(Counter)
        self._sites: dict[str, Counter[str]] = defaultdict(Counter)

    def note(self, section: str, name: str, address: str) -> None:
        """Note one more of this name."""
        self._groups[section][name.strip()].append(address)

    def note_lines(self, lines: Iterable[bytes], feeds: Mapping[str, str]) -> datetime | None:
        """Note the events of the stages; return the time of the first."""
        started_at = None
        for line in lines:
            try:
                event: dict[str, Any] = json.loads(line)
                started_at = started_at or datetime.fromisoformat(event["timestamp"])
                name, stage, level = event["event"], event["stage"], event["level"]
            except (ValueError, LookupError, TypeError):
                continue  # a part of a traceback, or of a line whose writer was killed
            is_told = name.startswith(_TOLD) and event.get("outcome") != "failed"  # said before
            if level not in ("warning", "error") and not is_told:
                continue
            url = feeds.get(str(event.get("feed")), "")
            words = filter(_WORD.fullmatch, (str(event.get(word, "")) for word in _WORDS))
            what = " ".join((name, *words))
            self.note(
                "Oddities of feeds" if name == "feed_oddity" else f"Events of {stage}", what, url
            )
            if url:
                self._answers[host_of(url)][what] += 1
        return started_at

    def note_records(self, log: Log, plan: StagePlan) -> None:
        """Note the dead letters of a stage, its pages' redirects, entries with one document."""
        for record in dead_letters(log, plan).values() if plan.kind != "poll" else ():
            told = [record.header(f"dead-letter.{one}") for one in ("stage", "reason", "url")]
            self.note("Dead letters", f"{told[0]}: {told[1]}", told[2] or "")
        entries: dict[str, set[str]] = defaultdict(set)
        for topic in plan.main_inputs if plan.kind == "extract" else ():
            for record in scanned(log, topic):
                with suppress(WireError):
                    page = decode(record.value, Page)
                    entries[page.url_canonical].add(page.entry.id)
                    if page.url_final != page.entry.url_to_ask and _GATE.search(page.url_final):
                        self.note("Walls", "redirect to login, consent or offer", page.url_final)
        for url, ids in entries.items():
            if len(ids) > 1:
                self.note("Entries that ended in one document", f"{len(ids)} entries", url)

    def note_document(self, document: IndexedDocument, started_at: datetime) -> None:
        """Note what was found on a page, its flags, and how long it took."""
        url, page, how = document.url_canonical, document.page, document.extraction
        answer, host = page.missing_reason or f"http_{page.status}", host_of(url)
        self.note("Pages by answer", answer, url)
        self._answers[host][f"page {answer}"] += 1
        site = self._sites[host]
        site.update({"documents": 1, "characters": len(document.text)})
        for field in FIELDS:
            source = document.provenance[field].source if field in document.provenance else ""
            self.note("Sources of fields", f"{field}: {source}", url)
            site[field] += source not in NOT_FOUND
        for flag, section in FLAGS.items():
            if attrgetter(flag)(document):
                self.note(section, flag, url)
        self.note("Extraction", f"{how.outcome} {how.body_rule}", url)
        for step in how.failed_steps:
            self.note("Oddities of extraction", f"failed: {step}", url)
        self._numbers[f"characters, text from {document.content_source}"].append(len(document.text))
        if document.text:
            self._groups["Documents that share a text"][document.content_hash].append(url)
        seen, published = document.first_seen_at, document.published_at
        if document.indexed_at is not None:
            self._note_seconds("seen to searchable", seen, document.indexed_at)
        if published is not None and started_at <= published < seen:
            self._note_seconds("published to seen", published, seen)

    def _note_seconds(self, name: str, start: datetime, end: datetime) -> None:
        self._numbers[f"seconds, {name}"].append((end - start).total_seconds())

    def tables(self) -> Report:
        """Return the sections: numbers, then groups with the largest first, then sites."""
        alike = self._groups.pop("Documents that share a text", {})
        several = {hash[:8]: urls for hash, urls in alike.items() if len(urls) > 1}
        numbers = [
            {"what": name, "count": len(all)}
            | {f"{percent} %": percentile(all, percent) for percent in (5, 50, 95, 100)}
            for name, all in sorted(self._numbers.items())
        ]
        groups = {
            title: [
                {"what": name, "count": len(urls), "examples": _examples(urls)}
                for name, urls in sorted(found.items(), key=lambda one: -len(one[1]))
            ]
            for title, found in sorted({**self._groups, "Doubles by text": several}.items())
        }
        sites = [
            {"site": site, "answers": [f"{what}: {n}," for what, n in answers.items()]}
            | self._sites[site]
            for site, answers in sorted(self._answers.items())
        ]
        return {"Lengths and times": numbers, **groups, "Sites": sites}


def _examples(urls: Iterable[str]) -> list[str]:
    return [masked(url) for url in islice(dict.fromkeys(filter(None, urls)), EXAMPLES)]
