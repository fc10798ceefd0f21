"""The seeds go through the whole pipeline on the embedded log and index, and are searched."""

from __future__ import annotations

import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.harness import ROOT, Done, Installation
from tests.scenarios.seeds_expected import (
    SEEDS,
    assert_documents,
    assert_facets,
    assert_shape,
    expected,
)

pytestmark = pytest.mark.slow

#: Settings of a shell that must not reach the demo: each would give its parts another log or index.
ELSEWHERE = {
    "NEWS_INGEST_LOG_URL": "sqlite:///elsewhere/log.db",
    "NEWS_INGEST_INDEX_URL": "sqlite:///elsewhere/index.db",
    "NEWS_INGEST_CONFIG": "elsewhere/config",
    "NEWS_INGEST_ARCHIVE_FOLDER": "elsewhere/archive",
}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Installation, Done]]:
    """Return the installation that `news-ingest demo --once` left behind, and what it printed.

    The shell that starts it has settings of another installation.
    """
    folder = tmp_path_factory.mktemp("demo")
    with Installation(folder, hosts={}) as installation:
        own = dict(installation.environment)
        installation.environment.update(ELSEWHERE)
        done = installation.command(
            *("demo", "--once", "--seeds", str(SEEDS), "--work", "work"),
            *("--config", str(ROOT / "config")),
        )
        installation.environment = own
        assert installation.processes() == []
        shutil.rmtree(installation.config)
        shutil.move(folder / "work" / "config", installation.config)
        shutil.move(folder / "work" / "var", folder / "var")
        yield installation, done


def test_every_seed_is_searchable_with_what_must_come_out(demo: tuple[Installation, Done]) -> None:
    assert_documents(demo[0])


def test_the_demo_ignores_the_settings_of_the_shell(demo: tuple[Installation, Done]) -> None:
    installation, done = demo
    assert f"ignored variables: {', '.join(sorted(ELSEWHERE))}\n" in done.out
    assert not list(installation.folder.rglob("elsewhere"))


def test_nothing_of_the_seeds_is_lost_or_set_aside(demo: tuple[Installation, Done]) -> None:
    count = len(expected())
    assert demo[0].command("audit", "--deep", "--json").json() == {
        "is_deep": True, "entries": count, "documents": count, "searchable": count, "older": [],
        "dropped": 0, "dead_letters": 0, "waiting": 0, "missing_count": 0, "missing": [],
        "expired_unread": 0, "gone": 0,
    }  # fmt: skip


def test_the_demo_ends_with_a_table_and_an_example_search(demo: tuple[Installation, Done]) -> None:
    text = demo[1].out
    count = len(expected())
    assert f"{count} entries: {count} searchable" in text
    for publisher in {one["publisher"] for one in expected().values()}:
        assert re.search(rf"{re.escape(publisher)}.*\.example.*\d", text), publisher
    _, _, search = text.partition("news-ingest search")
    assert "Harbour bridge reopens" in search
    assert "Marta Lindqvist" in search


def test_facets_count_the_documents_found(demo: tuple[Installation, Done]) -> None:
    assert_facets(demo[0])


def test_a_search_in_json_is_one_document_of_the_promised_shape(
    demo: tuple[Installation, Done],
) -> None:
    done = demo[0].command("search", "harbour", "--json")
    assert done.err == ""
    assert done.out.count("\n") == 1
    answer = done.json()
    assert_shape(answer)
    assert answer["total"] == len(answer["hits"]) > 1
    scores = [hit["score"] for hit in answer["hits"]]
    assert scores == sorted(scores, reverse=True)
    assert all(re.search("harbour", hit["snippet"], re.IGNORECASE) for hit in answer["hits"])


def test_a_search_that_finds_nothing_has_the_same_shape(demo: tuple[Installation, Done]) -> None:
    answer = demo[0].search("zeppelin AND marmalade")
    assert_shape(answer)
    assert (answer["total"], answer["hits"]) == (0, [])


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ('person:"Marta Lindqvist"', {"Harbour bridge reopens", "The engineer who"}),
        ('person:"marta lindqvist"', {"Harbour bridge reopens", "The engineer who"}),
        ("person:Lindqvist -title:engineer", {"Harbour bridge reopens"}),
        ('person:"Agnès Thibaud"', {"L’orgue de la"}),
        ('person:"AGNES thibaud"', {"L’orgue de la"}),
        ('place:"Düsseldorf"', {"Pegel steigt"}),
        ('place:"dusseldorf"', {"Pegel steigt"}),
        ('org:"Union of Harbour Workers"', {"Ferry crews vote"}),
        ('organisation:"union of harbour workers"', {"Ferry crews vote"}),
        ('publisher:Rheinblick language:de place:"Dortmund"', {"Handballerinnen gewinnen"}),
        ('"largest wind farm"', {"Regulator clears"}),
        ('place:Southampton since:30d NOT "eleven months"', {"The engineer who"}),
        ("(whale OR orgue) language:fr", {"L’orgue de la"}),
        ("swans until:2001-01-01", set()),
    ],
)  # fmt: skip
def test_queries_find_just_the_documents_meant(
    demo: tuple[Installation, Done], query: str, titles: set[str]
) -> None:
    found = demo[0].titles(query)
    assert len(found) == len(titles), found
    assert all(any(one.startswith(title) for one in found) for title in titles), found


def test_any_surface_form_of_a_person_finds_the_document(demo: tuple[Installation, Done]) -> None:
    hit = demo[0].search('"Harbour bridge reopens"')["hits"][0]
    document = demo[0].command("show", hit["id"], "--json").json()
    forms = {
        form
        for detail in document["entity_details"]
        if detail["name"] == "Marta Lindqvist"
        for form in detail["forms"]
    }
    assert len(forms) > 1
    for form in forms:
        assert hit["title"] in demo[0].titles(f'person:"{form}"'), form


def test_a_query_that_makes_no_sense_is_refused_with_its_place(
    demo: tuple[Installation, Done],
) -> None:
    done = demo[0].command("search", 'persn:"Marta Lindqvist"', code=2)
    assert done.out == ""
    assert "persn" in done.err
    assert "person" in done.err.replace("persn", "")


def test_a_document_reads_well_in_the_terminal_too(
    demo: tuple[Installation, Done], tmp_path: Path
) -> None:
    hit = demo[0].search("title:whale")["hits"][0]
    text = demo[0].command("show", hit["id"]).out
    assert "Museum returns whale skeleton to its hall" in text
    assert "Priya Raman" in text
    assert "Samuel Whitcombe" in text
    assert "Bristol" in demo[0].command("search", "title:whale").out


def test_a_demo_stays_up_until_it_is_stopped(tmp_path: Path) -> None:
    with Installation(tmp_path, hosts={}) as installation:
        demo = installation.launch("demo", "--seeds", str(SEEDS), "--work", "work")
        installation.wait_until(lambda: "run until Ctrl-C" in demo.lines.read_text(), "all in")
        config = ("--config", str(tmp_path / "work" / "config"))
        found = installation.command("search", "harbour", "--json", *config).json()
        assert found["total"] > 1
        assert installation.command("lag", *config).code == 0
        assert demo.stop(signal.SIGINT) == 0
        assert installation.processes() == []
