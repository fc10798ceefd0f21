"""Poison on every topic that a stage or a command reads: it is set aside, and nothing else stops."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from kafka import KafkaProducer

from ingest.ports import Log
from ingest.records.stage_plan import DROPS, FEED_STATE, HOST_STATE, plans
from ingest.settings.topics import DEAD_LETTER, RUNGS
from ingest.wire import encode
from tests.bombs import MIB, zstd_bomb
from tests.builders import a_document, a_page, an_entry
from tests.http_site import Answer, HttpSite
from tests.scenarios.harness import Installation

pytestmark = pytest.mark.slow

HOST = "harbour-times.example"
STAGES = ("fetch", "archive", "extract", "enrich", "index")
FLOW = {"news.entries": "fetch", "news.pages": "extract", "news.documents": "enrich"} | {
    "news.enriched": "index"
}

#: Bytes that are no record at all.
BROKEN = (
    b'{"a":' * 3_000 + b"1" + b"}" * 3_000,
    b"[" * 100_000,
    b"",
    b"null",
    b"[]",
    b'"text"',
    b"{}",
    b"\xff\xfe\x00",
    b'{"id":"\\ud800"}',
    b'{"id": NaN}',
)
#: What is changed in a good record; every topic gets those whose field its records have.
CHANGES: tuple[dict[str, Any], ...] = (
    {"id": ""},
    {"document_id": ""},
    {"id": "i" * 600},
    {"id": "two words\n"},
    {"document_id": "half \u2028 a line"},
    {"id": 5},
    {"id": None},
    {"entry_id": "e" * 5_000},
    {"entry": None},
    {"version": 2**63},
    {"version": -1},
    {"version": 10**30},
    {"version": "1"},
    {"first_seen_at": "12026-11-20T12:00:00Z"},
    {"first_seen_at": "0000-01-01T00:00:00Z"},
    {"first_seen_at": "2026-11-20T12:00:00"},
    {"fetched_at": "2026-11-20T12:00:00"},
    {"published_at": "2026-11-20T12:00:00"},
    {"word_count": 2**70},
    {"hops": 2**70},
    {"status": -1},
    {"body": "%%%"},
    {"title": ["a list"]},
    {"extra": 7},
)
#: Headers that no stage of ours writes.
HEADERS = (
    [("retry.attempt", b"many"), ("retry.origin", b"/"), ("ce_partitionkey", b"\xff")],
    [("retry.attempt", b"9" * 5_000), ("retry.origin", b"o" * 40_000)],
    [("dead-letter.replays", b"-1"), ("traceparent", b"----"), ("backfill", b"\xff")],
)


@pytest.fixture(params=["embedded", "servers"])
def environment(request: pytest.FixtureRequest) -> dict[str, str]:
    """Return the variables that name the engines."""
    if request.param == "embedded":
        return {}
    return {
        "NEWS_INGEST_LOG_URL": f"kafka://{request.getfixturevalue('kafka_address')}",
        "NEWS_INGEST_INDEX_URL": request.getfixturevalue("elasticsearch_url"),
    }


@pytest.fixture
def site() -> Iterator[HttpSite]:
    with HttpSite() as site:
        for name in ("first", "last"):
            page = f"<h1>The {name} ferry</h1><p>{a_document().text} It was the {name} one.</p>"
            site.serve(HOST, f"/{name}", Answer(body=f"<html><body>{page}</body></html>".encode()))
        yield site


def poisons(topic: str) -> list[bytes]:
    """Return the values that go to this topic."""
    records = {
        "news.entries": an_entry("changed"),
        "news.pages": a_page("changed"),
        "news.documents": a_document("changed"),
        "news.enriched": a_document("changed"),
    }
    good = msgspec.json.decode(encode(records[topic]))
    changed = [{**good, **change} for change in CHANGES if change.keys() <= good.keys()]
    if topic == "news.pages":
        bomb, broken = zstd_bomb(64), b"no zstd"
        changed += [msgspec.to_builtins(a_page("bad body", body=one)) for one in (bomb, broken)]
    if topic == "news.enriched":
        deep: Any = 1
        for _ in range(900):
            deep = {"a": deep}
        changed.append({**good, "extra": {"deep": deep}})
    return [*BROKEN, *(json.dumps(one).encode() for one in changed)]


def poison(log: Log) -> None:
    """Append poison to every topic."""
    appender = log.appender()
    for topic in FLOW:
        for number, value in enumerate(poisons(topic)):
            appender.append(topic, f"key-{number}", value)
        appender.append(topic, "tombstone", None)
        for headers in HEADERS:
            appender.append(topic, "", b"{", headers)
        appender.append(topic + RUNGS[0], "k", b"{", HEADERS[0])
        for value in BROKEN:
            appender.append(topic + DEAD_LETTER, f"{uuid.uuid4()}", value)
        appender.append(
            topic + DEAD_LETTER,
            "no/date",
            b"{}",
            [("dead-letter.attempts", b"x"), ("dead-letter.failed-at", b"12026-01-01")],
        )
    for value in BROKEN:
        for topic in (DROPS, FEED_STATE):
            appender.append(topic, f"{uuid.uuid4()}", value)
        for stage in ("poll", "fetch"):
            appender.append(HOST_STATE, f"{HOST}/{stage}", value)
    rested = b'{"domain":"x","rests_until":"2026-11-20T12:00:00"}'
    appender.append(HOST_STATE, f"{HOST}/poll", rested)
    appender.append(FEED_STATE, "no-hours", b'{"feed_id":"no-hours","rate":{"hours":-8.0}}')
    appender.flush(60)
    appender.close()


def poison_directly(address: str, prefix: str) -> None:
    """Append to Kafka what only another client can: no key, no header value, too much unpacked."""
    producer = KafkaProducer(
        bootstrap_servers=address, compression_type="gzip", max_request_size=100 * MIB
    )
    for topic in FLOW:
        large = b'{"id":"' + b"x" * (8 * MIB) + b'"}'
        producer.send(prefix + topic, key=None, value=b"{", headers=[("empty", b"")])
        producer.send(prefix + topic, key=b"\xff" * 2_000, value=large)
        producer.send(prefix + topic, value=b"{", headers=[("long", b"x" * (6 * MIB))])
    producer.flush(60)
    producer.close()


def test_poison_is_set_aside_and_its_neighbours_are_found(
    tmp_path: Path, environment: dict[str, str], site: HttpSite
) -> None:
    prefix = uuid.uuid4().hex[:8]
    with Installation(
        tmp_path,
        hosts=site.hosts(HOST),
        environment=environment,
        log={"session_timeout_seconds": 6},
        topics={"prefix": f"{prefix}."},
        index={"prefix": f"{prefix}-"},
        archive={"enabled": True},
    ) as installation:
        installation.command("setup")
        with installation.log() as log:
            _publish(log, "first")
            poison(log)
            if environment:
                address = environment["NEWS_INGEST_LOG_URL"].removeprefix("kafka://")
                poison_directly(address, f"{prefix}.")
            _publish(log, "last")
        running = installation.start_stages((*STAGES, "poll"))
        wanted = [f"http://{HOST}/{name}" for name in ("first", "last")]

        stages = plans(installation.settings().pipeline)

        def is_done() -> bool:
            with installation.log() as log:
                lags = [lag for plan in stages for lag in log.lag(plan.group, plan.inputs)]
            return not any(lag.records for lag in lags) and set(wanted) <= set(installation.urls())

        installation.wait_until(is_done, "neighbours are found and all is read")
        letters = installation.command("dead-letters", "list", "--json").json_lines()
        for topic, stage in FLOW.items():
            found = [one for one in letters if one["stage"] == stage]
            assert len(found) >= len(BROKEN) + len(HEADERS), topic
            broken = [one for one in found if one["reason"] == "broken_record"]
            assert {one["failure_class"] for one in broken} == {"permanent"}
            assert all(one["message"] for one in broken)
        _commands_survive(installation, letters[0]["key"])
        assert {name: one.stop() for name, one in running.items()} == dict.fromkeys(running, 0)


def _publish(log: Log, name: str) -> None:
    entry = an_entry(name, url_published=f"http://{HOST}/{name}", title=f"The {name} ferry")
    appender = log.appender()
    appender.append("news.entries", HOST, encode(entry))
    appender.flush(60)
    appender.close()


def _commands_survive(installation: Installation, key: str) -> None:
    for arguments in (
        ("trace", f"http://{HOST}/first"),
        ("dead-letters", "list"),
        ("dead-letters", "show", key),
        ("replay", "--from", "pages", "--since", "900d", "--dry-run"),
        ("dead-letters", "replay", "--reason", "broken_record", "--limit", "2"),
    ):
        done = installation.command(*arguments, code=None)
        assert "Traceback" not in done.out + done.err, arguments
        assert done.code in (0, 1), done
    audit = installation.command("audit", "--deep", "--json", code=None)
    assert audit.json()["missing"] == []
    assert "records_unreadable" in audit.out + audit.err
