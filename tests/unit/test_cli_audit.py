"""The verb `audit`: what it prints, when it reads the whole log, and its exit status."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest
from click.testing import Result
from typer.testing import CliRunner

from ingest.bootstrap.engines import open_index, open_log
from ingest.cli.main import app
from ingest.ports import IndexWrite
from ingest.records.appending import NewRecord, append_all
from ingest.settings.load import Settings, load
from ingest.wire import encode
from tests.builders import a_document, an_id, an_indexed_document

CONFIG = Path(__file__).parents[2] / "config"
THEN = datetime.now(UTC) - timedelta(hours=2)
LETTERS = "news.enriched.dead-letter"
Cli = Callable[..., Result]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    copytree(CONFIG, tmp_path / "config", ignore=ignore_patterns("kibana", ".*"))
    settings = load(tmp_path / "config", {})
    with closing(open_log(settings)) as log, closing(open_index(settings)) as index:
        log.apply(settings.topics)
        index.apply(THEN)
    return settings


@pytest.fixture
def cli(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Result:
        environment = {"NEWS_INGEST_CONFIG": str(tmp_path / "config")}
        return CliRunner().invoke(app, ["audit", *arguments], env=environment)

    return run


def corrected(settings: Settings) -> NewRecord:
    """Index an article from before the sums; return the dead letter of its correction."""
    with closing(open_index(settings)) as index:
        old = an_indexed_document(fetched_at=THEN, first_seen_at=THEN)
        assert [one.kind for one in index.put([IndexWrite(old)])] == ["written"]
    return NewRecord(LETTERS, "news.enriched/0/1", encode(a_document(fetched_at=datetime.now(UTC))))


def test_an_old_text_behind_a_dead_letter_makes_the_exit_status_one(
    settings: Settings, cli: Cli
) -> None:
    letter = corrected(settings)
    with closing(open_log(settings)) as log, closing(log.appender()) as appender:
        append_all(appender, [letter])
    first = cli()
    assert first.exit_code == 1
    assert "reading the whole log" in first.stderr
    assert an_id("flood") in first.stdout
    second = cli("--json")
    assert (second.exit_code, second.stderr) == (1, ""), "the first scan settled the sums"
    found = json.loads(second.stdout)
    assert (found["is_deep"], found["missing_count"]) == (False, 0)
    assert [one["document_id"] for one in found["older"]] == [an_id("flood")]
    deep = json.loads(cli("--deep", "--json").stdout)
    assert deep["is_deep"]
    assert deep["older"] == found["older"]


def test_nothing_to_complain_about_is_status_zero(cli: Cli) -> None:
    done = cli()
    assert (done.exit_code, done.stderr) == (0, "")
    assert "missing" in done.stdout
