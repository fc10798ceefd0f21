"""`feeds status`: what is told of all feeds together, from their states in the log."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner, Result

from ingest import wire
from ingest.bootstrap.engines import open_index, open_log
from ingest.cli.main import app
from ingest.fetching.host_state import HostRecord
from ingest.identity import registrable_domain
from ingest.model import Extraction
from ingest.pipeline.indexing.layout_watch import renewed
from ingest.polling.state.feed_state import FeedState, encode_state
from ingest.ports import IndexWrite
from ingest.records.stage_plan import FEED_STATE, HOST_STATE
from ingest.settings.load import load
from tests.builders import an_indexed_document

CONFIG = Path(__file__).parents[2] / "config"
NOW = datetime.now(UTC)
NAMES = ("courier", "post", "herald")

Cli = Callable[..., Result]


def a_state(name: str, **changes: object) -> FeedState:
    state = FeedState(
        feed_id=name,
        configured_url=f"https://{name}.example/feed",
        last_poll_at=NOW - timedelta(minutes=5),
        last_success_at=NOW - timedelta(minutes=5),
        next_poll_at=NOW + timedelta(minutes=5),
        interval_seconds=1800.0,
    )
    return replace(state, **changes)


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """Return the command line over a log that holds the states of three feeds."""
    copytree(CONFIG, tmp_path / "config")
    feeds = "".join(f"  - {{url: 'https://{one}.example/feed', id: {one}}}\n" for one in NAMES)
    (tmp_path / "config" / "feeds.yml").write_text(f"feeds:\n{feeds}")
    day = timedelta(days=1)
    states = [
        a_state(
            "courier",
            recent_lags=tuple(range(60, 660, 60)),
            window_overflow_count=4,
            recent_overflows=(NOW - 3 * day, NOW - timedelta(hours=3), NOW),
        ),
        a_state("post", recent_lags=(6000,), interval_seconds=900.0),
        a_state(
            "herald",
            failure_score=2.0,
            failing_since_at=NOW - day,
            last_error_class="timeout",
            last_error_text="no answer",
        ),
    ]
    log = open_log(load(tmp_path / "config", {}))
    appender = log.appender()
    for one in states:
        domain = registrable_domain(one.configured_url)
        appender.append(FEED_STATE, one.feed_id, encode_state(one), (), domain)
    for domain, until in (("wire.example", NOW + day), ("post.example", NOW - day)):
        record = HostRecord(domain=domain, rests_until=until)
        appender.append(HOST_STATE, f"{domain}/fetch", wire.encode(record), (), domain)
    appender.flush(10)
    appender.close()
    log.close()

    def run(*arguments: str) -> Result:
        given = [*arguments, "--config", str(tmp_path / "config")]
        return CliRunner().invoke(app, given, env={"NEWS_INGEST_CONFIG": None})

    return run


def test_freshness_overflows_allowance_and_rests_are_told(cli: Cli) -> None:
    whole = json.loads(cli("feeds", "status", "--json").stdout)
    assert whole["states"] == {"healthy": 2, "failing": 1}
    assert whole["freshness_seconds"] == 360.0
    assert whole["freshness_p95_seconds"] == 6000.0
    assert (whole["window_overflows"], whole["overflows_24h"]) == (4, 2)
    assert whole["allowance_per_hour"] == 6.0
    assert whole["allowance_used"] == pytest.approx(8 / 6, abs=0.001)
    assert list(whole["resting_hosts"]) == ["wire.example"]
    assert [one["id"] for one in whole["worst"]] == ["herald"]


def test_the_same_is_said_in_words(cli: Cli) -> None:
    said = cli("feeds", "status").stdout
    assert "half are seen within 6 min of publication, 95 % within 100 min" in said.replace(
        "1.7 h", "100 min"
    )
    assert "133% of 6 requests an hour" in said
    assert "4 times every entry was new, 2 in 24 h" in said
    assert "wire.example until" in said
    assert "herald" in said


def test_one_feed_says_how_fresh_and_how_whole_it_is(cli: Cli) -> None:
    one = json.loads(cli("feeds", "status", "courier", "--json").stdout)
    assert (one["freshness_seconds"], one["overflows_24h"]) == (360.0, 2)
    said = cli("feeds", "status", "courier").stdout
    assert "half are seen within 6 min" in said
    assert "4 times every entry was new, 2 in 24 h" in said


def _change_layout(folder: Path) -> None:
    """Put documents of a site into the index whose dates went, and the alarm of the watch."""
    index = open_index(load(folder / "config", {}))
    for name, days, given in (("before", 4, ("page", "date")), ("now", 0.5, ("page",))):
        at = NOW - timedelta(days=days)
        extraction = Extraction(characters=900, given=given)
        index.put(
            [
                IndexWrite(
                    an_indexed_document(
                        f"{name} {n}",
                        fetched_at=at,
                        extraction=extraction,
                        domain="courier.example",
                        feed_ids=("courier",),
                        first_seen_at=at,
                        published_at=None,
                    )
                )
                for n in range(22)
            ]
        )
    renewed(index.layouts, NOW)
    index.close()


def test_a_changed_layout_is_told_by_every_verb(cli: Cli, tmp_path: Path) -> None:
    assert cli("feeds", "drift").exit_code == 0
    _change_layout(tmp_path)
    asked = cli("feeds", "drift", "--json")
    assert asked.exit_code == 1
    (found,) = [json.loads(line) for line in asked.stdout.splitlines()]
    assert (found["site"], found["signal"]) == ("courier.example", "no_date")
    assert (found["before"], found["now"]) == (0.0, 1.0)
    assert len(found["document_ids"]) == 3
    sentence = "courier.example: no date on 100% of pages, 0% before"
    assert found["sentence"] == sentence
    assert sentence in cli("feeds", "drift").stdout

    listed = [json.loads(line) for line in cli("feeds", "list", "--json").stdout.splitlines()]
    assert {one["id"]: one["layout_alarms"] for one in listed}["courier"] == [sentence]
    said = cli("feeds", "list").stdout
    assert said.count("layout!") == 2  # the feed, and what it means
    assert sentence in cli("feeds", "status", "courier").stdout
    one = json.loads(cli("feeds", "status", "courier", "--json").stdout)
    assert one["layout_alarms"] == [sentence]
    assert sentence not in cli("feeds", "status", "post").stdout
