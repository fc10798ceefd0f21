"""Crashes, outages of the log, and two pollers: nothing is lost and nothing is sent twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from ingest.adapters.sqlite_log import SqliteLog
from ingest.errors import LogRefused, LogUnavailable, NewsIngestError
from ingest.ports import Appender, Delivery, Reader
from tests.http_site import HttpSite
from tests.unit.polling_rig import (
    Rig,
    a_feed,
    entries_in,
    feed_answer,
    open_log,
    states_in,
    wait_for,
)

HOST = "harbour-times.example"


@pytest.fixture
def site() -> Iterator[HttpSite]:
    with HttpSite() as server:
        yield server


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SqliteLog]:
    opened = open_log(tmp_path / "log.db")
    yield opened
    opened.close()


class FaultyAppender:
    """Passes records on, but for those that `refuses` names."""

    def __init__(self, appender: Appender, fault: Any) -> None:
        self._appender, self._fault = appender, fault

    def append(
        self,
        topic: str,
        key: str,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
        partition_key: str | None = None,
    ) -> Delivery:
        self._fault(topic, key)
        return self._appender.append(topic, key, value, headers, partition_key)

    def flush(self, timeout_seconds: float) -> None:
        self._appender.flush(timeout_seconds)

    def close(self) -> None:
        self._appender.close()


class FaultyLog:
    """A log whose appends go through a fault: a crash or an outage at a chosen record."""

    def __init__(self, log: SqliteLog, fault: Any) -> None:
        self._log, self._fault = log, fault

    def appender(self) -> Appender:
        return FaultyAppender(self._log.appender(), self._fault)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)


class MovingReader:
    """A reader whose group is being reassigned while a flag is set."""

    def __init__(self, reader: Reader, is_moving: threading.Event) -> None:
        self._reader, self.is_moving = reader, is_moving.is_set

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)


class MovingLog(FaultyLog):
    """A log whose partitions begin to move when a record of a topic is appended."""

    def __init__(self, log: SqliteLog, topic: str) -> None:
        self.moves = threading.Event()
        super().__init__(log, lambda at, _key: self.moves.set() if at == topic else None)

    def reader(self, *arguments: Any) -> Any:
        return MovingReader(self._log.reader(*arguments), self.moves)


def test_a_crash_between_entries_and_state_sends_them_again_with_the_same_first_sight(
    site: HttpSite, log: SqliteLog
) -> None:
    site.serve(HOST, "/feed.xml", feed_answer("flood", "bridge", headers=[("ETag", '"1"')]))

    def dies_at_the_keys(topic: str, key: str) -> None:
        if key.endswith("/keys"):
            raise LogRefused("the process ends here")

    with Rig(site, FaultyLog(log, dies_at_the_keys), a_feed()) as rig:  # type: ignore[arg-type]
        wait_for(lambda: rig.error)
    assert isinstance(rig.error, LogRefused)
    assert len(entries_in(log)) == 2
    assert len(states_in(log)["harbour-times"].pending) == 2
    assert not states_in(log)["harbour-times"].etag

    with Rig(site, log, a_feed()):
        wait_for(lambda: states_in(log)["harbour-times"].last_success_at)
    assert site.asked(HOST, "/feed.xml")[1].header("if-none-match") is None
    sights: dict[str, set[object]] = {}
    for entry in entries_in(log):
        sights.setdefault(entry.id, set()).add(entry.first_seen_at)
    assert len(sights) == 2
    assert len(entries_in(log)) == 4
    assert all(len(times) == 1 for times in sights.values())
    assert not states_in(log)["harbour-times"].pending


def test_a_claim_is_durable_before_the_request(site: HttpSite, log: SqliteLog) -> None:
    planned: list[object] = []

    def script(_: object) -> Any:
        planned.append(states_in(log)["harbour-times"].next_poll_at)
        return feed_answer("flood")

    site.serve(HOST, "/feed.xml", script)
    with Rig(site, log, a_feed()):
        wait_for(lambda: planned)
    assert planned[0] is not None


def holds_on_the_log() -> float | None:
    labels = {"stage": "poll", "dependency": "log"}
    return REGISTRY.get_sample_value("news_ingest_holding", labels)


def test_nothing_is_asked_while_the_partitions_move_though_the_claim_is_durable(
    site: HttpSite, log: SqliteLog
) -> None:
    site.serve(HOST, "/feed.xml", feed_answer("flood"))
    moving = MovingLog(log, "news.feed-state")
    with Rig(site, moving, a_feed()):  # type: ignore[arg-type]
        wait_for(lambda: states_in(log).get("harbour-times"))
        time.sleep(0.7)
        assert site.asked(HOST, "/feed.xml") == []
        moving.moves.clear()
        wait_for(lambda: site.asked(HOST, "/feed.xml"))


def test_nothing_is_asked_before_the_rests_of_hosts_are_known(
    site: HttpSite, log: SqliteLog
) -> None:
    site.serve(HOST, "/feed.xml", feed_answer("flood"))
    known = threading.Event()
    with Rig(site, log, a_feed(), may_ask=known.is_set):
        time.sleep(1)
        assert site.asked(HOST, "/feed.xml") == []
        known.set()
        wait_for(lambda: site.asked(HOST, "/feed.xml"))


@pytest.mark.slow
def test_an_outage_of_the_log_is_no_fault_of_the_feed(site: HttpSite, log: SqliteLog) -> None:
    is_down = threading.Event()

    def outage(topic: str, key: str) -> None:
        if is_down.is_set():
            raise LogUnavailable("away")

    site.serve(HOST, "/feed.xml", feed_answer("flood"))
    with Rig(site, FaultyLog(log, outage), a_feed()) as rig:  # type: ignore[arg-type]
        wait_for(lambda: len(rig.entries()) == 1)
        assert holds_on_the_log() == 0
        is_down.set()
        site.serve(HOST, "/feed.xml", feed_answer("market", "flood"))
        wait_for(lambda: holds_on_the_log() == 1)
        time.sleep(1.0)
        asked = len(site.asked(HOST, "/feed.xml"))
        time.sleep(0.5)
        assert len(site.asked(HOST, "/feed.xml")) == asked
        is_down.clear()
        wait_for(lambda: len(rig.entries()) == 2)
        wait_for(lambda: rig.state("harbour-times").last_error_class == "")
        wait_for(lambda: holds_on_the_log() == 0)
    assert rig.error is None
    assert all(not note.error for note in states_in(log)["harbour-times"].recent_polls)


@pytest.mark.slow
def test_stopping_during_an_outage_of_the_log_does_not_hang(site: HttpSite, log: SqliteLog) -> None:
    def outage(topic: str, key: str) -> None:
        raise LogUnavailable("away")

    site.serve(HOST, "/feed.xml", feed_answer("flood"))
    started = time.monotonic()
    with Rig(site, FaultyLog(log, outage), a_feed()):  # type: ignore[arg-type]
        time.sleep(0.7)
    assert time.monotonic() - started < 15
    assert not site.asked(HOST, "/feed.xml")


def test_a_refused_record_fails_that_poll_only(site: HttpSite, log: SqliteLog) -> None:
    def refuses_one(topic: str, key: str) -> None:
        if topic == "news.entries" and key == "elsin-courier.example":
            raise NewsIngestError("will not take it")

    other = "elsin-courier.example"
    site.serve(HOST, "/feed.xml", feed_answer("flood"))
    site.serve(other, "/feed.xml", feed_answer("election", host=other))
    with Rig(site, FaultyLog(log, refuses_one), a_feed(other), a_feed()) as rig:  # type: ignore[arg-type]
        wait_for(lambda: len(rig.entries()) == 1)
        wait_for(lambda: rig.state("elsin-courier").last_error_class == "internal")
    assert rig.error is None
    assert not states_in(log)["elsin-courier"].body_sha256


@pytest.mark.slow
def test_a_second_poller_takes_over_and_tells_nothing_twice(
    site: HttpSite, log: SqliteLog, tmp_path: Path
) -> None:
    hosts = [f"site-{number}.example" for number in range(6)]
    for host in hosts:
        site.serve(host, "/feed.xml", feed_answer("flood", host=host))
    feeds = [a_feed(host) for host in hosts]
    other_log = open_log(tmp_path / "log.db")
    first = Rig(site, log, *feeds)
    with first, Rig(site, other_log, *feeds):
        wait_for(lambda: len(entries_in(log)) == 6)
        first.stop()
        for host in hosts:
            site.serve(host, "/feed.xml", feed_answer("market", "flood", host=host))
        wait_for(lambda: len(entries_in(log)) >= 12, 20)
        time.sleep(1.0)
    other_log.close()
    assert len(entries_in(log)) == 12
    assert len({entry.id for entry in entries_in(log)}) == 12
