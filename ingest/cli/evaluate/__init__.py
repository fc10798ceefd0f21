"""`news-ingest evaluate`: scores the entities found against a person's own gold set."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from ingest.bootstrap.engines import now
from ingest.children import cores
from ingest.cli.context import (
    ConfigOption,
    JsonOption,
    opened_index,
    optional_settings_of,
    settings_of,
    show_error,
    shows_errors,
)
from ingest.cli.terminal_text import print_json, print_list, say
from ingest.model import EnrichedDocument
from ingest.operations.enrichment.documents import jobs_in
from ingest.operations.enrichment.gold import read_spreadsheet, rows_of, scores, spreadsheet
from ingest.operations.enrichment.reports import chain_for, enrich_reports
from ingest.query import SearchRequest
from ingest.search.parse import parse

app = typer.Typer(
    help="Your own gold set of names: export sentences, correct them, score.", no_args_is_help=True
)


@app.command()
@shows_errors
def export(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATH",
            help="Text files, .jsonl files or directories, as for `enrich`; the archive if none is named.",
            show_default=False,
        ),
    ] = None,
    to: Annotated[Path, typer.Option("--to", help="The CSV file to write.")] = Path("gold.csv"),
    documents: Annotated[
        int, typer.Option("--documents", "-n", min=1, help="Maximum number of documents.")
    ] = 20,
    query: Annotated[
        str, typer.Option("--query", help="Which documents of the archive, the newest first.")
    ] = "",
    config: ConfigOption = None,
) -> None:
    """Write sentences with the names found in them as a spreadsheet, for you to correct.

    A row is a sentence; its names stand in the columns people, organisations and places, separated
    by `;`, each written as in the text. Never overwrites a file.
    """
    found = _enriched(inputs, config) if inputs else _archived(query, documents, config)
    rows = [row for id, document in islice(found, documents) for row in rows_of(id, document)]
    with to.open("x", encoding="utf-8-sig", newline="") as file:
        file.write(spreadsheet(rows))
    say(f"{to}: {len({row.document for row in rows})} documents, {len(rows)} sentences")


@app.command()
@shows_errors
def score(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The corrected spreadsheet.")],
    engines: Annotated[
        list[str] | None,
        typer.Option(
            "--engine",
            metavar="BACKEND",
            help="A backend of find_entities, such as builtin or spacy:NAME; repeatable.",
        ),
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show precision, recall and F1 by engine, language and type against a corrected spreadsheet.

    A name is right if its sentence, spelling and type are. A row that is not as it was exported is
    an error with its file and line.
    """
    chain = chain_for(optional_settings_of(config))
    table = []
    for one in scores(read_spreadsheet(file), chain, engines or ()):
        precision, recall, f1 = (round(value, 3) for value in one.figures)
        facts = {**one._asdict(), "precision": precision, "recall": recall, "f1": f1}
        if as_json:
            print_json(facts)
        table.append(list(facts.values()))
    if not as_json:
        columns = ("engine", "language", "type", "names", "found", "right", "P", "R", "F1")
        print_list(columns, table)


def _enriched(inputs: list[str], config: Path | None) -> Iterator[tuple[str, EnrichedDocument]]:
    chain = chain_for(optional_settings_of(config))
    for report in enrich_reports(jobs_in(inputs), chain, workers=cores(), as_json=False):
        if report.document is not None:
            yield report.name, report.document
        elif report.error is not None:
            show_error(report.error)


def _archived(query: str, most: int, config: Path | None) -> Iterator[tuple[str, EnrichedDocument]]:
    tree = parse(query, now(), UTC)
    with opened_index(settings_of(config)) as index:
        request = SearchRequest(query=tree, size=most, sort="first_seen_at")
        yield from ((hit.document.id, hit.document) for hit in index.search(request).hits)
