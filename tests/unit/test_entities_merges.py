"""`entities`: what people decide about entities counts for old documents and for new ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from shutil import copytree

import pytest
from typer.testing import CliRunner, Result

from ingest.bootstrap.engines import now, open_index, open_log
from ingest.cli.main import app
from ingest.entities.merges import TOPIC, EntityChange, Merges
from ingest.model import IndexedDocument
from ingest.operations.entities import changes
from ingest.pipeline.indexing.indexer import IndexWork
from ingest.ports import IndexWrite, Record
from ingest.query import EntityIs
from ingest.records.reading import values
from ingest.settings.load import load
from ingest.wire import encode
from tests.builders import a_document, an_entity, an_indexed_document, entity_fields

CONFIG = Path(__file__).parents[2] / "config"
AT = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)

Cli = Callable[..., Result]

LONG = an_entity("Mira Dahlke", forms=("Dahlke",))
SHORT = an_entity("M. Dahlke")
NAMESAKE = an_entity("Jon Pryce")
COUNCIL = an_entity("Harbour Council", type="organisation")
ORCHESTRA = an_entity("Sund Orchestra", type="organisation")


def _document(number: int, *entities: object) -> IndexedDocument:
    return an_indexed_document(
        f"entities-{number}", id=f"{number:032x}", version=number, first_seen_at=AT,
        title=f"Report {number}", text="The ferry came late.", **entity_fields(*entities),
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copytree(CONFIG, tmp_path / "config")
    settings = load(tmp_path / "config", {})
    index = open_index(settings)
    every = [
        (LONG, COUNCIL), (LONG, COUNCIL), (SHORT, COUNCIL),
        (NAMESAKE, COUNCIL), (NAMESAKE, ORCHESTRA),
    ]  # fmt: skip
    index.put(
        [IndexWrite(_document(number, *found)) for number, found in enumerate(every, start=1)]
    )
    index.close()
    open_log(settings).close()
    return tmp_path / "config"


@pytest.fixture
def cli(folder: Path) -> Cli:
    def run(*arguments: str) -> Result:
        given = [*arguments, "--config", str(folder)]
        return CliRunner().invoke(app, given, env={"NEWS_INGEST_CONFIG": None})

    return run


def _total(cli: Cli, query: str) -> int:
    done = cli("search", query, "--json")
    assert done.exit_code == 0, done.output
    return int(json.loads(done.stdout)["total"])


def test_a_proposal_is_merged_found_at_once_and_undone(cli: Cli) -> None:
    (proposal,) = json.loads(cli("entities", "suggest", "--json").stdout)["proposals"]
    assert (proposal["id"], proposal["into"]) == (SHORT.id, LONG.id)
    assert proposal["shared"] == ["Harbour Council"]
    assert _total(cli, 'person:"Mira Dahlke"') == 2
    done = cli("entities", "merge", SHORT.id, "Mira Dahlke", "--reason", "same office")
    assert done.exit_code == 0, done.output
    for name in ("Mira Dahlke", "M. Dahlke", "Dahlke", LONG.id, SHORT.id):
        assert _total(cli, f'person:"{name}"') == 3, name
    assert _total(cli, 'report NOT person:"M. Dahlke"') == 2
    assert json.loads(cli("entities", "suggest", "--json").stdout)["proposals"] == []
    assert cli("entities", "undo", SHORT.id).exit_code == 0
    assert _total(cli, 'person:"Mira Dahlke"') == 2
    (decision,) = json.loads(cli("entities", "show", "--json").stdout)["decisions"]
    assert decision["reason"] == "same office"
    assert decision["undone_at"]


def test_a_split_needs_the_entity_beside_it(cli: Cli) -> None:
    done = cli(
        *("entities", "split", "Jon Pryce", "Jon Pryce (cellist)"),
        *("--beside", "Sund Orchestra", "--reason", "two people"),
    )
    assert done.exit_code == 0, done.output
    assert _total(cli, 'person:"Jon Pryce (cellist)"') == 1
    assert _total(cli, 'person:"person:jon-pryce-cellist"') == 1
    assert _total(cli, 'person:"person:jon-pryce"') == 1
    assert _total(cli, 'person:"Jon Pryce"') == 2  # the name means both


@pytest.mark.parametrize(
    ("entity", "into", "said"),
    [
        ("Nobody At All", "Jon Pryce", "no document mentions"),
        ("Jon Pryce", "Harbour Council", "two types"),
        ("Jon Pryce", "Jon Pryce", "one entity"),
    ],
)
def test_a_merge_that_makes_no_sense_is_refused(
    cli: Cli, entity: str, into: str, said: str
) -> None:
    done = cli("entities", "merge", entity, into, "--reason", "none")
    assert done.exit_code == 2
    assert said in done.output


def test_a_merge_never_goes_in_a_circle(cli: Cli) -> None:
    assert cli("entities", "merge", SHORT.id, LONG.id, "--reason", "r").exit_code == 0
    done = cli("entities", "merge", LONG.id, SHORT.id, "--reason", "r")
    assert done.exit_code == 2
    assert "one entity already" in done.output


def test_new_documents_are_indexed_under_the_merged_id(cli: Cli, folder: Path) -> None:
    assert cli("entities", "merge", SHORT.id, LONG.id, "--reason", "r").exit_code == 0
    settings = load(folder, {})
    log, index = open_log(settings), open_index(settings)
    try:
        work = IndexWork(
            index, now, decided=lambda: [one for _, one in values(log, TOPIC, EntityChange)]
        )
        document = a_document(id="f" * 32, **entity_fields(SHORT, COUNCIL))
        record = Record(
            topic="news.enriched", partition=0, offset=0, key=b"k", value=encode(document)
        )
        work.process([record])
        found = index.get("f" * 32)
        assert found is not None
        assert found.entities.person == ("Mira Dahlke",)
        assert LONG.id in found.entity_ids
        assert SHORT.id not in found.entity_ids
        assert "M. Dahlke" in found.entity_forms.person
    finally:
        index.close()
        log.close()


def test_a_chain_of_merges_means_its_end_and_a_later_undo_cuts_it() -> None:
    one = EntityChange(id="person:a", into="person:b", at=AT)
    two = EntityChange(id="person:b", into="person:c", at=AT)
    assert Merges([one, two]).members("person:a") == {"person:a", "person:b", "person:c"}
    undone = EntityChange(id="person:b", into="person:c", at=AT, undone_at=AT)
    assert Merges([one, undone]).members("person:a") == {"person:a", "person:b"}
    assert Merges([undone]).expanded(EntityIs("person", "C")) == EntityIs("person", "C")


def test_search_works_without_a_log(cli: Cli, folder: Path) -> None:
    settings = load(folder, {})
    settings.path_of(settings.pipeline.log.url).unlink()
    assert _total(cli, 'person:"Mira Dahlke"') == 2
    assert changes(open_log(settings)) == []
