"""`news-ingest enrich` as a process of its own: text files, directories and lines of JSON."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from ingest.operations.enrichment.reports import SHIPPED
from tests.unit.verb_process import Ended, run_verb

pytestmark = pytest.mark.slow

CONFIG = Path(__file__).parents[2] / "config"
MEETING = "Barack Obama met Angela Merkel in Berlin, Germany, on Monday."


def enrich(folder: Path, *arguments: str | Path) -> Ended:
    """Run `news-ingest enrich ARGUMENTS` in this folder, which has no settings."""
    return run_verb(folder, "enrich", *arguments, COLUMNS="200")


def lines_file(path: Path, *lines: object) -> Path:
    """Write a line of JSON for each of these; a text is written as it is."""
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(texts) + "\n", encoding="utf-8")
    return path


def test_the_processors_without_settings_are_those_of_the_pipeline() -> None:
    pipeline = YAML(typ="safe", pure=True).load((CONFIG / "pipeline.yml").read_text())
    assert list(SHIPPED) == pipeline["stages"]["enrich"]["processors"]


def test_a_line_has_the_entities_the_mentions_and_the_geography(tmp_path: Path) -> None:
    one = {"id": "a-1", "title": "Talks", "text": f"🎈 {MEETING}", "language": "en"}
    ended = enrich(tmp_path, lines_file(tmp_path / "set.jsonl", one), "--json")
    (line,) = ended.lines
    assert (ended.code, ended.err) == (0, "")
    assert (line["id"], line["language"]) == ("a-1", "en")
    names = {(entity["type"], entity["name"], entity["count"]) for entity in line["entities"]}
    assert ("person", "Angela Merkel", 1) in names
    assert ("place", "Berlin", 1) in names
    assert all(entity["id"] for entity in line["entities"])
    (berlin,) = (one for one in line["mentions"] if one["text"] == "Berlin")
    assert f"🎈 {MEETING}"[berlin["start"] : berlin["end"]] == "Berlin"
    assert (berlin["field"], berlin["type"], berlin["id"]) == ("text", "place", "place:2950159")
    assert berlin["rule"]
    assert line["geo"]["countries"] == ["DE"]
    assert "text" not in line


def test_bad_lines_are_named_and_the_others_are_done(tmp_path: Path) -> None:
    lines_file(
        tmp_path / "set.jsonl",
        {"id": 1, "text": MEETING, "title": None, "more": {}},
        '{"id": 2, "text"',
        {"id": 3, "title": "No text"},
        "",
        {"text": MEETING, "published_at": "soon"},
        {"text": MEETING, "published_at": "2026-11-30"},
    )
    ended = enrich(tmp_path, "set.jsonl", "nowhere.txt", "--json")
    assert ended.code == 1
    assert [line["id"] for line in ended.lines] == [1, "set.jsonl:6"]
    for place in ("set.jsonl:2", "set.jsonl:3", "set.jsonl:5", "nowhere.txt"):
        assert f"{place}\n" in ended.err
    assert "soon" in ended.err


def test_files_and_lines_come_in_the_order_of_the_input_with_several_workers(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    many = [{"id": number, "text": f"{MEETING} No. {number}."} for number in range(60)]
    packed = "".join(json.dumps(one) + "\n" for one in many).encode()
    (folder / "b.jsonl.gz").write_bytes(gzip.compress(packed))
    (folder / "a.txt").write_text(f"Title: Talks\nLanguage: en\n\n{MEETING}\n")
    (folder / "c.html").write_text("<html><body><p>Angela Merkel</p></body></html>")
    ended = enrich(tmp_path, "texts", "--json", "--workers", "2")
    assert [line["id"] for line in ended.lines] == ["texts/a.txt", *range(60)]
    assert (ended.lines[0]["title"], ended.lines[0]["text"]) == ("Talks", MEETING)
    assert "texts/c.html" in ended.err
    assert enrich(tmp_path, "texts", "--json", "--workers", "1").out == ended.out


def test_a_given_language_is_believed(tmp_path: Path) -> None:
    given = lines_file(tmp_path / "set.jsonl", {"text": MEETING, "language": "de-AT"})
    assert enrich(tmp_path, given, "--json").lines[0]["language"] == "de"
    found = lines_file(tmp_path / "set.jsonl", {"text": MEETING})
    assert enrich(tmp_path, found, "--json").lines[0]["language"] == "en"


def test_explain_shows_processors_with_times_and_mentions_with_reasons(tmp_path: Path) -> None:
    (tmp_path / "talks.txt").write_text(f"Talks\n\n{MEETING}\n")
    shown = enrich(tmp_path, "talks.txt", "--explain").out
    for name in SHIPPED:
        assert f"\n{name} " in shown
    assert "ms" in shown
    assert "'Angela Merkel' is a person" in shown
    plain = enrich(tmp_path, "talks.txt").out
    assert "Angela Merkel" in plain
    assert "is a person" not in plain
    (line,) = enrich(tmp_path, "talks.txt", "--explain", "--json").lines
    assert [step["processor"] for step in line["steps"]] == list(SHIPPED)
    assert len(line["evidence"]) == len(line["mentions"])


def test_only_and_without_choose_the_processors(tmp_path: Path) -> None:
    (tmp_path / "talks.txt").write_text(f"Talks\n\n{MEETING}\n")
    only = enrich(tmp_path, "talks.txt", "--only", "find_entities", "--only", "detect_language").out
    assert "find_entities" in only
    assert "merge_mentions" not in only
    without = enrich(tmp_path, "talks.txt", "--without", "find_entities", "--json").lines[0]
    assert (without["mentions"], without["language"]) == ([], "en")
    unknown = enrich(tmp_path, "talks.txt", "--only", "find_entitles")
    assert unknown.code == 2
    assert "did you mean `find_entities`?" in unknown.err


def test_a_processor_that_fails_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(
        "def build(options):\n    def work(document):\n        raise ValueError('too odd')\n"
        "    return work\n"
    )
    stages = {"enrich": {
        "kind": "enrich", "reads": "news.documents", "writes": "news.enriched",
        "processors": ["broken:build", "find_entities"],
    }}  # fmt: skip
    config = tmp_path / "config"
    config.mkdir()
    for name in ("topics.yml", "feeds.yml", "sites.yml"):
        (config / name).write_text((CONFIG / name).read_text())
    pipeline = YAML(typ="safe", pure=True).load((CONFIG / "pipeline.yml").read_text())
    with (config / "pipeline.yml").open("w") as file:
        YAML(typ="safe", pure=True).dump({**pipeline, "stages": stages}, file)
    (tmp_path / "talks.txt").write_text(f"Talks\n\n{MEETING}\n")
    ended = enrich(tmp_path, "talks.txt")
    assert ended.code == 0
    assert "failed" in ended.out
    assert "mentions" in ended.out
    assert "too odd" in ended.err
