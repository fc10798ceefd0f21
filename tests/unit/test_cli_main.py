"""The root of the command line: verbs are loaded when they are asked for."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

import ingest.cli
from ingest.cli import feeds
from ingest.cli.lazy_verbs import file_of
from ingest.cli.main import VERBS, app
from ingest.records.outputs import SCHEMA_VERSION

CONFIG = Path(__file__).parents[2] / "config"
#: What only stages and the verbs that start or test them need.
HEAVY = {
    "kafka", "elasticsearch", "aiohttp", "feedparser", "trafilatura", "lxml", "resiliparse",
    "numpy", "py3langid", "ahocorasick", "starlette", "tldextract", "requests",
}  # fmt: skip


def loaded_by(tmp_path: Path, *arguments: str) -> set[str]:
    """Return the names of all modules that a command has loaded when it ends."""
    program = (
        "import atexit, json, sys\n"
        "atexit.register(lambda: print('\\n' + json.dumps(sorted(sys.modules))))\n"
        "from ingest.cli.main import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "NEWS_INGEST_LOG_URL": f"sqlite:///{tmp_path}/log.db",
            "NEWS_INGEST_INDEX_URL": f"sqlite:///{tmp_path}/index.db",
        },
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.slow
def test_a_search_loads_nothing_that_only_stages_need(tmp_path: Path) -> None:
    loaded = loaded_by(tmp_path, "search", "ferry", "--config", str(CONFIG))
    assert "ingest.adapters.sqlite_index" in loaded
    assert not loaded & HEAVY


@pytest.mark.slow
def test_the_version_loads_no_verb(tmp_path: Path) -> None:
    loaded = loaded_by(tmp_path, "--version")
    assert {name for name in loaded if name.startswith("ingest.cli.")} == {
        "ingest.cli.lazy_verbs",
        "ingest.cli.main",
    }


def test_the_version_says_what_the_engines_were_made_with(tmp_path: Path) -> None:
    """As the engines themselves say it: the files by their header, an index by its template."""
    done = CliRunner().invoke(app, ["--version"])
    said = dict(line.split(": ") for line in done.output.splitlines()[1:])
    environment = {
        "NEWS_INGEST_LOG_URL": f"sqlite:///{tmp_path}/log.db",
        "NEWS_INGEST_INDEX_URL": f"sqlite:///{tmp_path}/index.db",
    }
    made = CliRunner().invoke(app, ["setup", "--config", str(CONFIG)], env=environment)
    assert made.exit_code == 0, made.output
    for file in ("log", "index"):
        with closing(sqlite3.connect(tmp_path / f"{file}.db")) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
        assert said[f"file of the {file}, SQLite"] == str(version)
    template = json.loads((CONFIG / "index" / "documents.json").read_text(encoding="utf-8"))
    assert said["indices, Elasticsearch"] == str(template["mappings"]["_meta"]["schema_version"])
    assert said["records of the log, Kafka and SQLite"] == SCHEMA_VERSION
    assert done.output.startswith(f"news-ingest {ingest.__version__}\n")


def test_verbs_and_options_are_completed() -> None:
    words = {"_NEWS_INGEST_COMPLETE": "complete_bash", "COMP_CWORD": "2"}
    for typed, completed in (("feeds tes", "test"), ("search --si", "--size")):
        done = CliRunner().invoke(
            app, env=words | {"COMP_WORDS": f"news-ingest {typed}"}, prog_name="news-ingest"
        )
        assert done.output.split() == [completed]


@pytest.mark.parametrize("verb", [verb.rpartition(".")[2] for verb in VERBS])
def test_every_verb_is_found_under_its_name(verb: str) -> None:
    done = CliRunner().invoke(app, [verb, "--help"])
    assert done.exit_code == 0
    assert f" {verb} " in done.output


@pytest.mark.parametrize("verb", feeds.VERBS)
def test_every_verb_of_feeds_is_found_under_its_name(verb: str) -> None:
    done = CliRunner().invoke(app, ["feeds", verb, "--help"])
    assert done.exit_code == 0
    assert f" feeds {verb} " in done.output


@pytest.mark.parametrize(("folder", "verbs"), [("", VERBS), ("feeds", feeds.VERBS)])
def test_every_verb_has_its_file_and_every_file_with_a_verb_is_in_the_table(
    folder: str, verbs: tuple[str, ...]
) -> None:
    root = Path(ingest.cli.__file__).parent / folder
    expected = {file_of(verb) for verb in verbs}
    within = {verb.rpartition(".")[0].replace(".", "/") for verb in verbs}
    files = {
        ".".join((*path.parent.relative_to(root).parts, path.stem)): path.read_text("utf-8")
        for one in within
        for path in (root / one).glob("*.py")
    }
    with_verbs = {stem for stem, text in files.items() if "\n@shows_errors\ndef " in text}
    assert with_verbs <= expected
    folders = {path.parent.name for path in root.glob("*/__init__.py")}
    assert expected <= {*files, *folders}


def test_a_mistyped_verb_is_answered_with_the_nearest() -> None:
    done = CliRunner().invoke(app, ["searh", "ferry"])
    assert done.exit_code == 2
    assert "Did you mean 'search'?" in done.output
