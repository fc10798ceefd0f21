"""What `status` makes of reports, queues and errors, and that it never waits for long."""

from __future__ import annotations

import fcntl
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from rich.console import Console

from ingest import telemetry
from ingest.bootstrap.engines import now, open_log
from ingest.bootstrap.worker_reports import SILENT_SECONDS, WorkerReport
from ingest.cli.run import _on_screen
from ingest.cli.status.screen import screen
from ingest.model import DropRecord
from ingest.operations.status import (
    HELD,
    LOOK,
    WELL,
    Looker,
    Status,
    stage_status,
)
from ingest.ports import FeedRecord, FeedsReport
from ingest.records.appending import NewRecord, append_all
from ingest.records.outputs import drop_output
from ingest.records.stage_plan import WORKER_STATE, plan_of
from ingest.settings.load import Settings
from ingest.wire import encode
from tests.builders import NOW
from tests.scenarios.harness import Installation

STAGES = ("poll", "fetch", "archive", "extract", "enrich", "index")


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    with Installation(tmp_path, hosts={}) as installation:
        settings = installation.settings()
        with closing(open_log(settings)):
            pass
        yield settings


def a_report(stage: str = "index", **changes: Any) -> WorkerReport:
    at = changes.get("at", NOW)
    values: dict[str, Any] = {
        "stage": stage, "host": "h", "pid": 1, "version": "0.1.0", "started_at": at, "at": at,
        "since": at, "state": "working",
    }  # fmt: skip
    return WorkerReport(**(values | changes))


def tell(settings: Settings, *reports: WorkerReport) -> None:
    """Write these reports to the log, as workers do."""
    records = [
        NewRecord(WORKER_STATE, f"{one.stage}/{one.host}/{one.pid}", encode(one)) for one in reports
    ]
    with closing(open_log(settings)) as log, closing(log.appender()) as appender:
        append_all(appender, records)


def everybody(settings: Settings, **changes: Any) -> None:
    tell(settings, *(a_report(stage, at=now(), **changes) for stage in STAGES))


def put(settings: Settings, *records: NewRecord) -> None:
    with closing(open_log(settings)) as log, closing(log.appender()) as appender:
        append_all(appender, records)


def look(settings: Settings) -> Status:
    return Looker(settings).look(20.0)


def texts(status: Status) -> str:
    return "\n".join(one.text for one in status.notices)


# ── one stage ───────────────────────────────────────────────────────────────────────────────

LATER = NOW + timedelta(seconds=SILENT_SECONDS + 1)


@pytest.mark.parametrize(
    ("reports", "at", "state"),
    [
        (None, NOW, "unknown"),
        ([], NOW, "no worker"),
        ([a_report("fetch")], NOW, "no worker"),
        ([a_report()], NOW, "working"),
        ([a_report(), a_report(pid=2, state="holding")], NOW, "holding"),
        ([a_report(), a_report(pid=2, state="of a later version")], NOW, "of a later version"),
        ([a_report(state="stuck"), a_report(pid=2, state="holding")], NOW, "stuck"),
        ([a_report()], LATER, "silent"),
        ([a_report(), a_report(pid=2, at=LATER)], LATER, "working"),
        ([a_report(state="failed")], NOW, "failed"),
        ([a_report(state="failed"), a_report(pid=2, host="other")], NOW, "working"),
    ],
)
def test_the_state_of_a_stage(settings: Settings, reports: Any, at: Any, state: str) -> None:
    found = stage_status(plan_of(settings.pipeline, "index"), reports, {}, at)
    assert found.state == state


def test_a_worker_that_was_started_again_on_its_host_is_not_missed(settings: Settings) -> None:
    plan = plan_of(settings.pipeline, "index")
    killed = a_report()
    elsewhere = a_report(host="other", pid=2, at=LATER)
    found = stage_status(plan, [killed, elsewhere], {}, LATER)
    assert found.workers == (elsewhere,)
    assert found.lost == (replace(killed, state="silent"),)
    again = a_report(pid=3, at=LATER)
    found = stage_status(plan, [killed, again], {}, LATER)
    assert (found.workers, found.lost) == ((again,), ())


# ── the whole ───────────────────────────────────────────────────────────────────────────────


def test_the_feeds_of_a_poller_that_was_lost_are_not_shown(settings: Settings) -> None:
    feeds = FeedsReport({"healthy": 7}, ())
    tell(settings, a_report("poll", pid=2, at=now() - timedelta(minutes=5), feeds=feeds))
    everybody(settings, feeds=FeedsReport({"healthy": 1}, ()))
    found = look(settings).feeds
    assert found is not None
    assert found.states == {"healthy": len(STAGES)}


def test_all_is_well(settings: Settings) -> None:
    everybody(settings, records=5, records_a_minute=2.0)
    found = look(settings)
    assert texts(found) == ""
    assert found.exit_status == WELL
    assert [one.stage for one in found.stages] == list(STAGES)
    assert {one.state for one in found.stages} == {"working"}
    assert found.log.engine.startswith("SQLite")
    assert found.index.engine.startswith("SQLite")
    assert found.documents == 0
    assert found.disks


def test_no_stage_at_all_is_worth_a_look_and_worse_when_records_wait(settings: Settings) -> None:
    found = look(settings)
    assert found.exit_status == LOOK
    assert texts(found) == "no stage is running, 0 records wait: start `news-ingest run`"
    put(settings, NewRecord("news.entries", "a", b"x"), NewRecord("news.pages", "a", b"x"))
    found = look(settings)
    assert found.exit_status == HELD
    assert "no stage is running, 3 records wait" in texts(found)  # two stages read the pages
    assert {one.stage: one.waiting for one in found.stages}["fetch"] == 1


@pytest.mark.parametrize("state", ["holding", "stuck", "failed"])
def test_one_stage_that_does_not_work_is_named_with_its_reason(
    settings: Settings, state: str
) -> None:
    everybody(settings)
    tell(settings, a_report(at=now(), state=state, on="the index refuses writes"))
    found = look(settings)
    assert found.exit_status == HELD
    assert texts(found).startswith(f"index: {state} since ")
    assert texts(found).endswith(": the index refuses writes")


def test_a_stage_without_a_worker_is_down(settings: Settings) -> None:
    tell(settings, *(a_report(stage, at=now()) for stage in STAGES if stage != "enrich"))
    found = look(settings)
    assert (found.exit_status, texts(found)) == (HELD, "enrich: no worker")


def test_a_worker_beside_others_that_went_silent_is_worth_a_look(settings: Settings) -> None:
    everybody(settings)
    long_ago = now() - timedelta(seconds=10 * SILENT_SECONDS)
    tell(settings, a_report(at=long_ago, host="other", pid=9))
    found = look(settings)
    assert found.exit_status == LOOK
    assert texts(found).startswith("index: process 9 on other is silent since ")


def test_dead_letters_and_drops_are_counted_by_reason(settings: Settings) -> None:
    everybody(settings)

    def letter(key: str, reason: str | None) -> NewRecord:
        headers = [("dead-letter.reason", (reason or "").encode())]
        value = None if reason is None else b"x"
        return NewRecord("news.pages.dead-letter", key, value, headers)

    drops = [
        drop_output(
            DropRecord(
                id=str(number),
                entry_id="",
                stage="fetch",
                reason=reason,
                is_intended=True,
                url="",
                at=NOW,
            )
        )
        for number, reason in enumerate(("robots", "robots", "too_old"))
    ]
    letters = [
        letter("1", "http_500"),
        letter("2", "http_500"),
        letter("3", "bad"),
        letter("2", None),
    ]
    put(settings, *letters, *drops, NewRecord("news.drops", "broken", b"{"))
    found = look(settings)
    assert found.dead_letters is not None
    assert found.dead_letters.by_reason == {"http_500": 1, "bad": 1}
    assert found.drops_last_hour is not None
    assert found.drops_last_hour.by_reason == {"robots": 2, "too_old": 1, "unreadable": 1}
    assert found.exit_status == LOOK
    assert texts(found) == "2 dead letters: `news-ingest dead-letters list`"


def test_dead_letters_that_cannot_be_counted_in_time_have_no_number(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A later record may take an earlier one back, so half a count says nothing."""
    everybody(settings)
    put(settings, NewRecord("news.pages.dead-letter", "1", b"x"))
    put(settings, NewRecord("news.pages.dead-letter", "1", None))
    monkeypatch.setattr("ingest.operations.status._MARGIN_SECONDS", 1e9)
    found = look(settings)
    assert found.dead_letters is not None
    assert (found.dead_letters.by_reason, found.dead_letters.is_complete) == ({}, False)
    assert "could not be counted" in texts(found)


def test_feeds_in_trouble_for_long_are_named(settings: Settings) -> None:
    def feed(id: str, state: str, days: float | None = None) -> FeedRecord:
        failing = None if days is None else now() - timedelta(days=days)
        return FeedRecord(
            feed_id=id, version=1, updated_at=NOW, state=state, publisher=f"The {id}",
            failing_since_at=failing,
        )  # fmt: skip

    feeds = (feed("Old", "failing", 2), feed("New", "failing", 0.1), feed("Gone", "gone"))
    everybody(settings)
    tell(
        settings,
        a_report("poll", at=now(), feeds=FeedsReport({"failing": 2, "gone": 1}, feeds)),
        a_report("poll", at=now(), pid=2, feeds=FeedsReport({"failing": 1, "healthy": 4}, ())),
    )
    found = look(settings)
    assert found.feeds is not None
    assert found.feeds.states == {"failing": 3, "gone": 1, "healthy": 4}
    assert found.exit_status == LOOK
    assert "feed The Old: failing since " in texts(found)
    assert "feed The Gone: gone" in texts(found)
    assert "The New" not in texts(found)


def test_a_list_of_feeds_that_waits_for_a_word_is_named(settings: Settings) -> None:
    everybody(settings)
    accepted = settings.folder / ".feeds-accepted.yml"
    accepted.write_text("feeds: []\n")
    (settings.folder / "feeds.yml").write_text("feeds: []  # changed\n")
    assert look(settings).exit_status == WELL, "a poller has some seconds to load it"
    os.utime(settings.folder / "feeds.yml", (NOW.timestamp(), NOW.timestamp()))
    found = look(settings)
    assert found.exit_status == LOOK
    assert "news-ingest feeds confirm" in texts(found)
    accepted.write_bytes((settings.folder / "feeds.yml").read_bytes())
    assert look(settings).exit_status == WELL


def test_workers_of_another_version_are_worth_a_look(settings: Settings) -> None:
    everybody(settings, version="0.0.9")
    found = look(settings)
    assert (found.exit_status, texts(found)) == (LOOK, "workers run other versions: 0.0.9")


# ── faults of the log and the index ─────────────────────────────────────────────────────────


def test_a_log_that_does_not_exist_yet_is_not_made(tmp_path: Path) -> None:
    with Installation(tmp_path, hosts={}) as installation:
        found = look(installation.settings())
    assert found.exit_status == HELD
    assert texts(found).startswith("log: does not exist yet")
    assert {one.state for one in found.stages} == {"unknown"}
    assert not (tmp_path / "var" / "log.db").exists()


@pytest.mark.parametrize("name", ["log", "index"])
def test_a_damaged_file_is_named_and_the_rest_is_known(settings: Settings, name: str) -> None:
    everybody(settings)
    path = settings.path_of(getattr(settings.pipeline, name).url)
    path.write_bytes(b"no database at all" * 1000)
    found = look(settings)
    assert found.exit_status == HELD
    assert texts(found).startswith(f"{name}: ")
    assert str(path) in texts(found)
    assert getattr(found, name).error
    if name == "index":
        assert {one.state for one in found.stages} == {"working"}
        assert found.documents is None
    else:
        assert found.documents == 0


def test_a_log_without_the_topic_of_reports_says_what_to_do(settings: Settings) -> None:
    path = settings.path_of(settings.pipeline.log.url)
    path.unlink()
    old = replace(settings, topics=tuple(t for t in settings.topics if t.name != WORKER_STATE))
    with closing(open_log(old)):
        pass
    found = look(settings)
    assert found.exit_status == HELD
    assert "news.worker-state" in texts(found)
    assert "news-ingest setup" in texts(found)
    assert {one.state for one in found.stages} == {"unknown"}
    assert {one.waiting for one in found.stages} == {0}, "what is known is shown"


def test_a_stopped_process_that_holds_the_log_does_not_blind_us(settings: Settings) -> None:
    everybody(settings)
    lock = settings.path_of(settings.pipeline.log.url).with_name("log.db.lock")
    with lock.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert look(settings).exit_status == WELL


def test_a_look_at_servers_that_accept_and_never_answer_ends_in_time(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        host = f"127.0.0.1:{mute.getsockname()[1]}"
        blocks = {"log": {"url": f"kafka://{host}"}, "index": {"url": f"http://{host}"}}
        with Installation(tmp_path, hosts={}, **blocks) as installation:
            looker = Looker(installation.settings())
            for _ in range(2):
                started = time.monotonic()
                found = looker.look(0.3)
                assert time.monotonic() - started < 30  # the clients wait for longer
                assert found.exit_status == HELD
                assert texts(found) == "log, index: does not answer in time"
            assert len(looker._threads) == 2, "who still waits is not asked again"
            shown = msgspec.json.decode(msgspec.json.encode(found))
    assert shown["documents"] is None
    assert shown["log"]["address"] == f"kafka://{host}"


# ── the screen ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("width", [80, 120])
def test_the_screen_shows_every_stage_and_reason_within_its_width(
    settings: Settings, width: int
) -> None:
    everybody(settings, records=123456, records_a_minute=9876.0)
    feed = FeedRecord(
        feed_id="x", version=1, updated_at=NOW, state="failing", publisher="\x1b[31mEvil Post",
        last_error_class="http_5xx", last_error_text="HTTP 500 " * 20, last_poll_at=NOW,
    )  # fmt: skip
    feeds = FeedsReport({"failing": 1}, (feed,))
    tell(
        settings,
        a_report("poll", at=now(), feeds=feeds),
        a_report(at=now(), state="holding", on="http://u:CANARY@h refuses writes: read-only block"),
    )
    console = Console(width=width, record=True, file=StringIO())
    console.print(screen(look(settings), ["12:00:00 index: holding started"]))
    shown = console.export_text()
    assert max(map(len, shown.splitlines())) <= width
    for wanted in (*STAGES, "held", "read-only block", "Evil Post", "123,456", "holding started"):
        assert wanted in shown
    assert "\x1b" not in shown
    assert "CANARY" not in shown


def test_what_is_not_known_is_a_question_mark(tmp_path: Path) -> None:
    with Installation(tmp_path, hosts={}) as installation:
        console = Console(width=80, record=True, file=StringIO())
        console.print(screen(look(installation.settings())))
    assert "dead letters  ?" in console.export_text()


def test_a_look_that_fails_does_not_end_the_stages_on_screen(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[Settings] = []
    enough = threading.Event()

    class Blind:
        """Fails in every look."""

        def __init__(self, settings: Settings) -> None:
            self._settings = settings

        def look(self) -> Status:
            looks.append(self._settings)
            if len(looks) > 1:
                enough.set()
            raise PermissionError("a fault of ours")

    def stages(output: object) -> int:
        return 7 if enough.wait(60) and not stop.is_set() else 1

    stop = threading.Event()
    monkeypatch.setattr("ingest.cli.run.Looker", Blind)
    monkeypatch.setattr("ingest.cli.run.PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(telemetry, "configure", lambda *_, **__: None)
    assert _on_screen(settings, stop, stages) == 7
