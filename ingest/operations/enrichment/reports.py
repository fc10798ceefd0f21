"""Enriches documents in order, in child processes, and reports what each processor did."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ingest import registry, telemetry
from ingest.bootstrap.engines import LazyIndex, now
from ingest.children import ChildFailure, ChildPool, Submitter
from ingest.errors import NewsIngestError, UnknownName
from ingest.model import EnrichedDocument, EntityDetail, Mention
from ingest.operations.enrichment.documents import ReadText, TextJob, read_text
from ingest.outcome import Keep
from ingest.pipeline.transform import enriched
from ingest.registry import Built, Chosen
from ingest.settings.faults import nearest
from ingest.settings.load import Settings, load
from ingest.terms import language_of_tag

#: The processors where there are no settings: those of config/pipeline.yml as it comes.
SHIPPED = (
    "detect_language", "measure_text", "summarise_text", "find_entities", "match_watchlists",
    "merge_mentions", "resolve_places",
)  # fmt: skip
_TIMEOUT_SECONDS = 120.0
#: Fields that every processor changes.
_MARKS = ("enrichment", "enriched_at")


class Chain(NamedTuple):
    """The processors in order, and the folder of the settings, None without one."""

    items: tuple[Chosen, ...]
    folder: Path | None = None

    @property
    def names(self) -> list[str]:
        return [item.name for item in self.items]


class ProcessorStep(NamedTuple):
    """What a processor did: its milliseconds, and the fields that it changed."""

    processor: str
    milliseconds: float
    fields: tuple[str, ...]
    has_failed: bool


class EnrichReport(NamedTuple):
    """The result for one document: its line of JSON, or the document, or an error."""

    name: str
    error: NewsIngestError | None = None
    line: bytes = b""
    document: EnrichedDocument | None = None
    steps: tuple[ProcessorStep, ...] = ()


Enricher = Callable[[EnrichedDocument], tuple[EnrichedDocument, tuple[ProcessorStep, ...]]]


def chain_for(
    settings: Settings | None, only: Sequence[str] = (), without: Sequence[str] = ()
) -> Chain:
    """Return the processors of all enrich stages, or of these only, or without these.

    None is the processors that are shipped. Errors: UnknownName.
    """
    if settings is None:
        chain = Chain(tuple(registry.chosen(SHIPPED, "enrich")))
    else:
        stages = settings.pipeline.stages.items()
        found = [
            registry.chosen(one.processors, name) for name, one in stages if one.kind == "enrich"
        ]
        chain = Chain(tuple(item for items in found for item in items), settings.folder)
    for name in (*only, *without):
        if name not in chain.names:
            near = nearest(name, chain.names)
            remedy = f"did you mean `{near}`?" if near else f"known: {', '.join(chain.names)}"
            raise UnknownName("no enrich stage has this processor", value=name, remedy=remedy)
    kept = [i for i in chain.items if (not only or i.name in only) and i.name not in without]
    return chain._replace(items=tuple(kept))


def enrich_reports(
    jobs: Iterable[TextJob], chain: Chain, *, workers: int, as_json: bool, explain: bool = False
) -> Generator[EnrichReport, None, None]:
    """Return a report for every document, in order; `workers` children run at once.

    Errors: NewsIngestError when no child can be started, or a processor cannot be built.
    """
    pool = ChildPool(
        "ingest.operations.enrichment.reports:build_reporter",
        count=workers,
        timeout_seconds=_TIMEOUT_SECONDS,
        memory_bytes=0,
        recycle_bytes=0,
        arguments=(chain, as_json, explain),
    )
    with Submitter[TextJob](pool) as children:
        for job, result in children.map(jobs):
            if isinstance(result, ChildFailure):
                what = f"{result.kind}: {result.message}".rstrip(": ")
                yield EnrichReport(job.name, NewsIngestError(what, value=job.name))
            else:
                yield result


def build_reporter(chain: Chain, as_json: bool, explain: bool) -> Callable[[TextJob], EnrichReport]:
    """Return the function that a child applies to each document."""
    telemetry.configure("enrich", stream=sys.stderr, level="warning")
    enrich = build_enricher(chain)

    def report(job: TextJob) -> EnrichReport:
        try:
            read = read_text(job)
            document, steps = enrich(read.document)
        except NewsIngestError as error:
            return EnrichReport(job.name, error)
        if not as_json:
            return EnrichReport(job.name, None, b"", document, steps)
        line = plain_line(read, document)
        if explain:
            line["steps"] = [step._asdict() for step in steps]
            line["details"] = document.entity_details
            line["evidence"] = [mention.evidence for mention in document.mentions]
        return EnrichReport(job.name, None, msgspec.json.encode(line))

    return report


def build_enricher(chain: Chain) -> Enricher:
    """Return the function from a document to the enriched one with what each processor did.

    A language that is given with the document is believed. Errors of the function:
    NewsIngestError for a document that a processor does not keep.
    """
    needs = {
        "clock": now, "config_folder": chain.folder or Path("config"), "children": 0, "sites": None,
        "index": LazyIndex(load(chain.folder)) if chain.folder else None,
    }  # fmt: skip
    built = [registry.built(item, needs) for item in chain.items]

    def enrich(document: EnrichedDocument) -> tuple[EnrichedDocument, tuple[ProcessorStep, ...]]:
        steps = []
        language = language_of_tag(document.language_hint)
        if language:
            document = msgspec.structs.replace(
                document, language=language, language_score=1.0, language_source="given"
            )
        for item in built:
            if language and item.name == "detect_language":
                continue
            document, step = _step(document, item)
            steps.append(step)
        return document, tuple(steps)

    return enrich


def _step(document: EnrichedDocument, item: Built) -> tuple[EnrichedDocument, ProcessorStep]:
    started = time.perf_counter()
    outcome = enriched(document, [item], now)
    milliseconds = round((time.perf_counter() - started) * 1000, 3)
    if not isinstance(outcome, Keep):
        raise NewsIngestError(f"not kept by {item.name}: {outcome.reason}", value=document.id)
    after = outcome.value
    changed = [
        name
        for name in EnrichedDocument.__struct_fields__
        if name not in _MARKS and getattr(after, name) != getattr(document, name)
    ]
    has_failed = item.name in after.enrichment.failed
    return after, ProcessorStep(item.name, milliseconds, tuple(changed), has_failed)


def plain_line(read: ReadText, document: EnrichedDocument) -> dict[str, Any]:
    """Return the line of a document; that of a file has its text, which the offsets refer to."""
    text = {"title": document.title, "text": document.text} if read.is_file else {}
    return {
        "id": read.id, "language": document.language, **text,
        "entities": [_entity(detail) for detail in document.entity_details],
        "mentions": _mentions(document), "geo": document.geo,
    }  # fmt: skip


def _entity(detail: EntityDetail) -> dict[str, Any]:
    return {name: getattr(detail, name) for name in ("type", "name", "id", "count")}


def _mentions(document: EnrichedDocument) -> list[dict[str, Any]]:
    names = {detail.id: detail.name for detail in document.entity_details}
    return [_mention(mention, names) for mention in document.mentions]


def _mention(mention: Mention, names: dict[str, str]) -> dict[str, Any]:
    return {
        "type": mention.type, "name": names.get(mention.entity_id, mention.text),
        "id": mention.entity_id, "field": getattr(mention, "field", "text"),
        "start": mention.start, "end": mention.end, "text": mention.text, "rule": mention.rule,
    }  # fmt: skip
