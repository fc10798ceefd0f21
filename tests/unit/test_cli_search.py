"""`search` and `show`: what they print on which stream, and how they refuse."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree

import pytest
from typer.testing import CliRunner, Result

from ingest.bootstrap.engines import open_index
from ingest.cli.main import app
from ingest.model import IndexedDocument
from ingest.ports import IndexWrite, Revision
from ingest.settings.load import load
from tests.builders import an_entity, an_indexed_document, entity_fields

CONFIG = Path(__file__).parents[2] / "config"
SEEN_AT = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)

Cli = Callable[..., Result]


def _document(number: int) -> IndexedDocument:
    return an_indexed_document(
        f"late-{number}",
        id=f"{number:032x}",
        version=number,
        title=f"Ferry number {number} [late] [/b]\x1b[31m",
        text=f"The ferry number {number} came late, Mira Dahlke said. {'Nobody waited. ' * number}",
        publisher="Sund Post",
        first_seen_at=SEEN_AT + timedelta(hours=number),
        published_at=SEEN_AT - timedelta(hours=number),
        **entity_fields(an_entity("Mira Dahlke", forms=("Dahlke",))),
    )


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """Return the command line over an embedded index that holds four documents."""
    copytree(CONFIG, tmp_path / "config")
    index = open_index(load(tmp_path / "config", {}))
    index.put([IndexWrite(_document(number)) for number in range(1, 5)])
    index.close()

    def run(*arguments: str) -> Result:
        given = [*arguments, "--config", str(tmp_path / "config")]
        return CliRunner().invoke(app, given, env={"NEWS_INGEST_CONFIG": None})

    return run


def test_a_table_shows_titles_and_facets(cli: Cli) -> None:
    result = cli("search", "ferry")
    assert result.exit_code == 0
    assert "Ferry number 1 [late] [/b] [31m" in result.stdout
    assert "Mira Dahlke 4" in result.stdout
    assert result.stderr == ""


def test_json_is_one_line_whatever_the_text_holds(cli: Cli) -> None:
    result = cli("search", "ferry", "--json", "--size", "2", "--offset", "1")
    assert result.stdout.count("\n") == 1
    answer = json.loads(result.stdout)
    assert (answer["total"], len(answer["hits"])) == (4, 2)
    assert answer["facets"]["person"] == [{"value": "Mira Dahlke", "count": 4}]


@pytest.mark.parametrize(
    ("order", "first"), [("published_at", "Ferry number 1"), ("first_seen_at", "Ferry number 4")]
)
def test_newest_first_by_either_time(cli: Cli, order: str, first: str) -> None:
    answer = json.loads(cli("search", "ferry", "--json", "--sort", order).stdout)
    assert answer["hits"][0]["title"].startswith(first)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("search", "ferry", "--sort", "size"), ("no such order", "size", "published_at")),
        (("search", "persn:Dahlke"), ("persn", "person")),
        (("search", '"no end'), ('"no end',)),
        (("search", "ferry since:yesterweek"), ("yesterweek",)),
        (("search", "ferry " * 100), ("512",)),
        (("show", "feed"), ("no document has this id", "feed")),
        (("trace", "http://nowhere.example/[/a]"), ("nowhere.example/[/a]",)),
    ],
)
def test_what_cannot_be_done_is_told_on_standard_error_alone(
    cli: Cli, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    result = cli(*arguments)
    assert result.exit_code in (1, 2)
    assert result.stdout == ""
    assert all(word in result.stderr for word in words), result.stderr


def test_a_document_is_shown_whole_and_steers_no_terminal(cli: Cli) -> None:
    shown = cli("show", f"{3:032x}")
    words = ("Ferry number 3 [late] [/b] [31m", "Sund Post", "Nobody waited.", "person:mira-dahlke")
    assert all(word in shown.stdout for word in words), shown.stdout
    assert "\x1b" not in shown.stdout
    known = json.loads(cli("show", f"{3:032x}", "--json").stdout)
    assert "Dahlke" in known["entity_details"][0]["forms"]
    assert known["version"] == 3


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["search", "ferry", "--config", str(tmp_path / "nowhere")])
    assert result.exit_code == 2
    assert str(tmp_path / "nowhere") in result.stderr.replace("\n", "")
    assert "--config" in result.stderr


def _with_changes(folder: Path) -> None:
    index = open_index(load(folder / "config", {}))
    index.revisions.put(
        [
            Revision(
                document_id=f"{1:032x}",
                revision=number,
                revision_before=number - 1,
                version=number,
                changed_at=datetime.now(UTC) - timedelta(days=5 - number),
                first_seen_at=SEEN_AT,
                url="https://sund-post.example/1",
                publisher="Sund Post",
                language="en",
                title_before="Ferry late",
                title_after="Ferry sinks [/b]\x1b[31m",
                added=tuple(f"The ferry sank, passenger {one} said." for one in range(5)),
                removed=("The ferry came late.",),
                added_count=5,
                removed_count=1,
                changed_share=0.4,
            )
            for number in (2, 3)
        ]
    )
    index.close()


def test_what_changed_is_shown_newest_first(cli: Cli, tmp_path: Path) -> None:
    _with_changes(tmp_path)
    result = cli("revisions")
    assert result.exit_code == 0
    assert "2 revisions" in result.stdout
    assert "- Ferry late" in result.stdout
    assert "+ Ferry sinks [/b] [31m" in result.stdout
    assert "- The ferry came late." in result.stdout
    assert "… 2 more" in result.stdout
    assert result.stdout.index("revision 3") < result.stdout.index("revision 2")


def test_changes_are_searched_and_given_as_json(cli: Cli, tmp_path: Path) -> None:
    _with_changes(tmp_path)
    answer = json.loads(cli("revisions", "sink", "--since", "3d", "--json").stdout)
    assert answer["total"] == 1
    (found,) = answer["revisions"]
    assert (found["id"], found["revision"]) == (f"{1:032x}-3", 3)
    assert len(found["added"]) == 5
    assert json.loads(cli("revisions", "late", "--in", "added", "--json").stdout)["total"] == 0
    assert json.loads(cli("revisions", "--document", f"{2:032x}", "--json").stdout)["total"] == 0
    assert cli("revisions", "--since", "someday").exit_code == 2
    refused = cli("revisions", "person:Dahlke")
    assert refused.exit_code == 2
    assert "publisher:" in refused.stderr


def test_show_says_that_a_document_changed(cli: Cli, tmp_path: Path) -> None:
    _with_changes(tmp_path)
    assert "2 changes" in cli("show", f"{1:032x}").stdout
    shown = json.loads(cli("show", f"{1:032x}", "--json").stdout)
    assert [one["revision"] for one in shown["revisions"]] == [3, 2]
    assert "revisions" not in json.loads(cli("show", f"{2:032x}", "--json").stdout)
