"""What `forget` and `remove` do: keep documents and sites out, and take out what is stored.

The decision is written first. From then on the stages drop what it names; a stage that was in the
middle of a batch takes back what it wrote (`ingest/pipeline/forgetting.py`). So what is taken out
afterwards stays out, and a verb that was killed can be run again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import islice
from string import hexdigits

import msgspec
from msgspec.structs import replace

from ingest.bootstrap.archive_stage import without_pages
from ingest.bootstrap.engines import now
from ingest.errors import WrongArgument
from ingest.identity import host_of, match_key, registrable_domain
from ingest.operations import dead_letters
from ingest.operations.heads import id_of
from ingest.operations.ledger import KNOWN_AT_ONCE, documents_of, known_in_parts
from ingest.ports import Index, Log, Record, TopicSpec
from ingest.query import ValueIs
from ingest.records.appending import NewRecord, append_all
from ingest.records.forgotten import (
    TOPIC,
    FileChange,
    Forgets,
    Forgotten,
    KnownAs,
    decisions,
    names_in,
    names_of,
)
from ingest.records.reading import scanned
from ingest.records.stage_plan import DROPS, StagePlan, plans
from ingest.settings.load import Settings
from ingest.wire import encode

Decision = tuple[str, str]


class Remains(msgspec.Struct, frozen=True, kw_only=True):
    """Records that stay in a topic until it deletes them, which may be earlier, by size."""

    topic: str
    records: int
    until: datetime


class TakenOut(msgspec.Struct, frozen=True, kw_only=True):
    """What went, or with a dry run would go; `remains` stays."""

    kept_out: list[str]
    documents: int
    dead_letters: int
    files: list[FileChange]
    remains: list[Remains]
    is_dry: bool


def take_out(
    settings: Settings, log: Log, index: Index, made: Sequence[Forgotten], *, is_dry: bool
) -> TakenOut:
    """Keep out what is named, and take out what is stored.

    Errors: those of log and index, and OSError of the page archive; then it can be called again.
    """
    decided = decide(log, made, is_dry=is_dry)
    forgets = Forgets(decided)
    found, gone = documents(index, decided), 0
    while part := list(islice(found, KNOWN_AT_ONCE)):
        gone += len(part) if is_dry else index.remove(part, made[0].reason, now())
    dead = letters(log, plans(settings.pipeline), forgets)
    if not is_dry:
        for _, error in dead_letters.drop(log, dead, now).refused:
            raise error
    return TakenOut(
        kept_out=[one.key for one in decided],
        documents=gone,
        dead_letters=len(dead),
        files=without_pages(settings, forgets, is_dry=is_dry),
        remains=list(remains(log, settings.topics, forgets)),
        is_dry=is_dry,
    )


# ── what to keep out ────────────────────────────────────────────────────────────────────────


def one_document(index: Index, asked: str) -> list[Decision]:
    """Return the decisions for one id or URL; with its URL if the index has it.

    Errors: WrongArgument for a text that is neither.
    """
    id = id_of(asked)
    if len(id) != 32 or not set(id) <= set(hexdigits):
        remedy = "give an id as `news-ingest search` shows it, or the whole URL"
        raise WrongArgument("this is neither an id nor a URL", value=asked, remedy=remedy)
    document = index.get(id)
    urls = [asked] if document is None else [asked, *names_of(document).urls]
    keys = {key for key in map(match_key, urls) if key}
    return [("id", id), *(("url", key) for key in sorted(keys))]


def known_document(index: Index, asked: str) -> list[Decision]:
    """Return the decision for one id of the index. Errors: WrongArgument if it has none such."""
    id = id_of(asked)
    if not index.known([id]):
        remedy = "see `news-ingest search`; `news-ingest forget` also takes one that is yet to come"
        raise WrongArgument("no document has this id", value=asked, remedy=remedy)
    return [("id", id)]


def whole_site(domain: str, publisher: str) -> list[Decision]:
    """Return the decisions for a host with all below it, and for a publisher.

    Errors: WrongArgument for a domain under which anybody can register one.
    """
    host = host_of(domain).removeprefix("www.")
    is_suffix = registrable_domain(f"one.{host}") != registrable_domain(f"two.{host}")
    if domain and (not host or (is_suffix and not host[-1].isdigit())):
        remedy = "give the domain of one site, such as paper.example"
        raise WrongArgument("this is not the domain of a site", value=domain, remedy=remedy)
    found = [("domain", host), ("publisher", publisher.strip().casefold())]
    return [(kind, value) for kind, value in found if value]


def decide(log: Log, made: Sequence[Forgotten], *, is_dry: bool = False) -> list[Forgotten]:
    """Write what is not decided yet; return the decisions in force for this request.

    Those of an earlier run of the same request are among them.
    """
    before = {one.key: one for one in decisions(log) if one.undone_at is None}
    if not is_dry:
        _write(log, [one for one in made if one.key not in before])
    asked = {one.asked for one in made}
    same = {key: one for key, one in before.items() if one.asked in asked}
    return list((same | {one.key: before.get(one.key, one) for one in made}).values())


def take_back(log: Log, asked: str, by: str, now: datetime) -> list[Forgotten]:
    """Undo the decisions of this request, or with this key, and return them. Errors: WrongArgument."""
    found = [
        one for one in decisions(log) if one.undone_at is None and asked in (one.key, one.asked)
    ]
    if not found:
        remedy = "`news-ingest forget --list` lists what is in force"
        raise WrongArgument("nothing is forgotten under this name", value=asked, remedy=remedy)
    undone = [replace(one, undone_by=by, undone_at=now) for one in found]
    _write(log, undone)
    return undone


def _write(log: Log, made: Sequence[Forgotten]) -> None:
    with closing(log.appender()) as appender:
        append_all(appender, [NewRecord(TOPIC, one.key, encode(one)) for one in made])


# ── what is stored ──────────────────────────────────────────────────────────────────────────


def documents(index: Index, decided: Sequence[Forgotten]) -> Iterator[str]:
    """Yield the ids of the documents in the index that are forgotten."""
    index.refresh()
    ids = [one.value for one in decided if one.kind == "id"]
    found = {id for id, known in known_in_parts(index.known, ids) if not known.is_removed}
    yield from found
    forgets = Forgets(decided)
    for query in sorted({_query(one) for one in decided if one.kind != "id"}, key=str):
        for document in documents_of(index, query):
            if document.id not in found and forgets.has(names_of(document)):
                yield document.id


def _query(decision: Forgotten) -> ValueIs:
    """Return a query for all documents that may be meant."""
    if decision.kind == "publisher":
        return ValueIs("publisher", decision.value)
    return ValueIs("domain", registrable_domain(decision.value, with_private=True))


def letters(
    log: Log, plans: Iterable[StagePlan], forgets: Forgets
) -> list[dead_letters.DeadLetter]:
    """Return the dead letters that are forgotten."""
    return [
        one
        for one in dead_letters.listed(log, plans, dead_letters.LetterFilter())
        if forgets.has(names_in(one.record.value))
        or forgets.has(KnownAs(id=one.id, entry_id=one.entry_id, url_published=one.url))
    ]


def remains(log: Log, topics: Iterable[TopicSpec], forgets: Forgets) -> Iterator[Remains]:
    """Yield what the log still holds of it: a log deletes by age and size only."""
    for spec in topics:
        seconds = spec.retention_seconds
        if spec.name == DROPS or seconds is None:  # those hold no text
            continue
        found = [one for one in scanned(log, spec.name) if _is_text(one, forgets)]
        if found:
            newest = max(one.appended_at_ms for one in found) / 1000
            until = datetime.fromtimestamp(newest, UTC) + timedelta(seconds=seconds)
            yield Remains(topic=spec.name, records=len(found), until=until)


def _is_text(record: Record, forgets: Forgets) -> bool:
    return record.value is not None and forgets.has(names_in(record.value))
