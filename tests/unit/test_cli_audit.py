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

from ingest.adapters.sqlite_log import SqliteLog
from ingest.bootstrap.engines import open_index, open_log
from ingest.cli.main import app
from ingest.ports import IndexWrite, Position
from ingest.records.appending import NewRecord, append_all
from ingest.settings.load import Settings, load
from ingest.settings.options import LogOptions
from ingest.wire import encode
from tests.builders import a_document, an_entry, an_id, an_indexed_document

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


def test_a_loss_without_a_record_stays_visible_until_it_is_accepted(
    settings: Settings, cli: Cli
) -> None:
    corrected(settings)
    created = json.dumps({"sums": {"since": 0, "end": 1, "counts": {f"{THEN:%Y-%m}": 3}}})
    document = a_document(fetched_at=THEN, first_seen_at=THEN)
    with closing(open_log(settings)) as log, closing(log.appender()) as appender:
        append_all(appender, [NewRecord("news.enriched", document.id, encode(document))])
        reader = log.reader("news-index", ["news.enriched"])
        (record,) = reader.read(10, 10)
        reader.commit({record.place: Position(1, created)})
        reader.close()
    assert cli().exit_code == 1
    for _ in range(2):
        deep = cli("--deep", "--json")
        found = json.loads(deep.stdout)
        assert (deep.exit_code, found["missing"], found["gone"]) == (1, [], 2)
    assert "2 documents were written to the index and are not in it" in cli("--deep").stdout
    assert json.loads(cli("--json").stdout)["missing_count"] == 2, "a scan settled nothing"
    assert cli("--deep", "--accept").exit_code == 0
    assert cli().exit_code == 0


def test_records_that_expired_unread_are_said_until_they_are_accepted(
    settings: Settings, cli: Cli
) -> None:
    with closing(open_log(settings)) as log, closing(log.appender()) as appender:
        append_all(appender, [NewRecord("news.entries", "a", encode(an_entry()))])
    in_a_month_ms = int((THEN + timedelta(days=31)).timestamp() * 1000)
    path = settings.path_of(settings.pipeline.log.url)
    with closing(SqliteLog(path, LogOptions(), clock_ms=lambda: in_a_month_ms)) as log:
        log.apply(settings.topics)
        log.expire()
    for arguments in ((), ("--deep",)):
        found = cli(*arguments)
        assert found.exit_code == 1
        assert "1 records expired before a stage read them" in found.stdout
    assert cli("--deep", "--accept").exit_code == 0
    assert cli().exit_code == 0
