"""`news-ingest check` tells what is wrong before anything runs, and writes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.http_site import Answer, HttpSite, html
from tests.scenarios.harness import Installation
from tests.scenarios.press import papers

pytestmark = pytest.mark.slow


def test_config_engines_and_feeds_are_looked_at_without_a_trace(tmp_path: Path) -> None:
    with (
        HttpSite() as site,
        Installation(tmp_path, hosts=site.hosts("*.example")) as installation,
    ):
        good, no_feed, forbidden = papers(site, 3)
        good.publish(2)
        forbidden.publish()
        installation.set_feeds([good.feed])
        done = installation.command("check", "--json")
        findings = done.json_lines()
        assert [one["state"] for one in findings] == ["good"] * 5
        assert findings[-1]["what"] == f"feed {good.feed_url}"
        assert "2 entries" in findings[-1]["note"]
        assert "6 stages, 1 feeds" in installation.command("check").out
        assert not (tmp_path / "var").exists() or not list((tmp_path / "var").iterdir())

        site.serve(forbidden.host, "/robots.txt", Answer(body=b"User-agent: *\nDisallow: /\n"))
        installation.set_feeds([good.feed, forbidden.feed])
        findings = installation.command("check", "--json", code=1).json_lines()
        assert [one["state"] for one in findings[4:]] == ["good", "warning"]
        assert "robots.txt" in findings[-1]["note"]

        site.serve(no_feed.host, "/feed.xml", html("A page", "No feed lives here."))
        gone = {"url": f"http://{good.host}/gone.xml"}
        installation.set_feeds([good.feed, no_feed.feed, gone])
        findings = installation.command("check", "--json", code=2).json_lines()
        assert [one["state"] for one in findings[4:]] == ["good", "bad", "bad"]
        assert "not_a_feed" in findings[-2]["note"]
        assert "404" in findings[-1]["note"]
        without = installation.command("check", "--no-feeds", "--json").json_lines()
        assert len(without) == 4


def test_a_place_where_no_pages_can_be_kept_is_named(tmp_path: Path) -> None:
    (tmp_path / "full").write_text("a file where the folder should be")
    with Installation(tmp_path, hosts={}, archive={"folder": "full/archive"}) as installation:
        last = installation.command("check", "--json", code=2).json_lines()[-1]
        assert (last["state"], "archive.folder" in last["note"]) == ("bad", True)
        installation.edit({"archive": {"enabled": False}})
        assert len(installation.command("check", "--json").json_lines()) == 3


def test_engines_that_do_not_answer_are_named(tmp_path: Path) -> None:
    environment = {
        "NEWS_INGEST_LOG_URL": "kafka://127.0.0.1:9",
        "NEWS_INGEST_INDEX_URL": "http://127.0.0.1:9",
    }
    with Installation(tmp_path, hosts={}, environment=environment) as installation:
        log, index, _ = installation.command("check", "--json", code=2).json_lines()[1:]
        assert (log["what"], log["state"]) == ("log kafka://127.0.0.1:9", "bad")
        assert (index["what"], index["state"]) == ("index http://127.0.0.1:9", "bad")
        assert "log.url" in log["note"]
        assert "index.url" in index["note"]
        for verb in (("search", "ferry"), ("audit",), ("lag",), ("show", "0" * 32)):
            done = installation.command(*verb, code=2)
            assert done.out == ""
            assert "127.0.0.1:9" in done.err


def test_every_fault_is_told_at_once_with_its_place(tmp_path: Path) -> None:
    with Installation(tmp_path, hosts={}) as installation:
        installation.edit(
            {
                "log": {"url": "rabbit://127.0.0.1"},
                "telemtry": {"level": "info"},
                "fetching": {"gap_seconds": -1},
                "stages": {
                    "extract": {"records_a_batch": "lots"},
                    "enrich": {"processors": ["find_entites", {"summarise_text": {"sentnces": 2}}]},
                },
            }
        )
        feeds = "feeds:\n- url: ftp://x.example/feed\n- {url: 'http://y.example/f', langage: en}\n"
        (installation.config / "feeds.yml").write_text(feeds)
        for verb in (("check",), ("run",), ("run", "--stage", "poll")):
            done = installation.command(*verb, code=2)
            assert done.out == ""
            faults = done.err.splitlines()[1:]
            told = [
                ("config/pipeline.yml:", "log.url = rabbit://127.0.0.1", "kafka://host:9092"),
                ("config/pipeline.yml:", "telemtry", "did you mean `telemetry`?"),
                ("config/pipeline.yml:", "fetching.gap_seconds = -1", "greater than or equal to 0"),
                ("config/pipeline.yml:", "records_a_batch = lots", "write a whole number"),
                ("config/pipeline.yml:", "find_entites", "did you mean `find_entities`?"),
                ("config/pipeline.yml:", "sentnces", "did you mean `sentences`?"),
                ("config/feeds.yml:2", "ftp://x.example/feed", "http://"),
                ("config/feeds.yml:3", "langage", "did you mean `language`?"),
            ]
            for words in told:
                assert any(all(word in fault for word in words) for fault in faults), words
            assert len(faults) == len(told)
