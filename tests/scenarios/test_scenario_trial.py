"""A trial on sites that misbehave: its report has the numbers, and neither secrets nor texts."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.http_site import Answer, HttpSite, html, redirect
from tests.scenarios.harness import STAGES, Installation
from tests.scenarios.press import papers

pytestmark = pytest.mark.slow

SECRET = "canary7391secret"
SENTENCE = "The ferryman counted every lantern on the northern quay"
TEXT = f"{SENTENCE} before the storm came in and the harbour master closed the gates. " * 8
CONSENT = "We and our partners use cookies. Accept all cookies to continue. Your consent matters."


def feed(host: str, *paths: str) -> Answer:
    """Return a feed of these links; no entry has a text."""
    items = "".join(
        f"<item><title>Story of {path}</title><link>http://{host}{path}</link>"
        f"<guid>{host}{path}</guid><pubDate>a day in May</pubDate></item>"
        for path in paths
    )
    body = f'<rss version="2.0"><channel><title>{host}</title>{items}</channel></rss>'
    return Answer(body=body.encode(), headers=[("Content-Type", "application/rss+xml")])


def serve(site: HttpSite) -> list[str | dict[str, str]]:
    """Serve a good paper and those in trouble, and return their feeds."""
    (good,) = papers(site, 1)
    good.publish(3)
    site.serve(good.host, f"/feed.xml?apikey={SECRET}", lambda _: good.feed_answer())
    site.serve("refusing.example", "/feed.xml", feed("refusing.example", "/one", "/two"))
    site.serve("refusing.example", "*", Answer(403, b"no robots here"))
    site.serve("walled.example", "/feed.xml", feed("walled.example", "/story"))
    site.serve("walled.example", "/story", redirect("/consent?back=story"))
    site.serve("walled.example", "/consent?back=story", html("Your privacy", CONSENT))
    site.serve("twice.example", "/feed.xml", feed("twice.example", "/old", "/older", "/new"))
    site.serve("twice.example", "/old", redirect("/new", 301))
    site.serve("twice.example", "/older", redirect("/new", 301))
    site.serve("twice.example", "/new", html("Lanterns", TEXT))
    site.serve("copying.example", "/feed.xml", feed("copying.example", "/copy"))
    site.serve("copying.example", "/copy", html("Lanterns again", TEXT))
    site.serve("slow.example", "/feed.xml", Answer(wait_seconds=30))
    site.serve("closed.example", "/feed.xml", Answer(403, SENTENCE.encode()))
    hosts = ("refusing", "walled", "twice", "copying", "slow", "closed")
    keyed = {"url": f"{good.feed_url}?apikey={SECRET}", "publisher": good.name}
    return [keyed, *(f"http://{name}.example/feed.xml" for name in hosts)]


def test_a_trial_reports_what_the_sites_did_and_no_secret_and_no_text(tmp_path: Path) -> None:
    with (
        HttpSite() as site,
        Installation(
            tmp_path,
            hosts=site.hosts("*.example"),
            feeds=serve(site),
            polling={"timeout_seconds": 1},
        ) as installation,
    ):
        users = installation.config
        installation.environment["NEWS_INGEST_LOG_URL"] = "kafka://nowhere.example:9092"
        running = installation.launch("trial", "--hours", "1", "--json")
        del installation.environment["NEWS_INGEST_LOG_URL"]
        work = tmp_path / "var" / "trial"
        lines = work / "stages.log"
        installation.wait_until((work / "var" / "index.db").exists, "the trial has an index")
        installation.config = work / "config"  # from here on, questions go to the trial
        installation.wait_for(documents=8, searchable=8)
        failures = ('"class": "timeout"', '"class": "http_403"')
        installation.wait_until(
            lambda: all(one in lines.read_text() for one in failures), "the bad feeds were asked"
        )
        assert running.stop(signal.SIGINT) == 0
        written = running.lines.read_text()
        first = next(line for line in written.splitlines() if line.startswith("{"))
        _assert_numbers(json.loads(first))
        markdown = (work / "report.md").read_text()
        assert "| is_consent_page | 1 | http://walled.example/story |" in markdown
        assert "http://paper-00.example/feed.xml?apikey=***" in markdown
        for text in (SECRET, SENTENCE, CONSENT[:30], "told The Paper", "Lanterns"):
            assert text not in markdown
            assert text not in written
        assert not (users / ".feeds-accepted.yml").exists(), "the user's settings are as before"

        installation.config = installation.folder / "config"
        refused = installation.command("trial", "--hours", "0", code=2)
        assert "--resume" in refused.err
        again = installation.command("trial", "--hours", "0.001", "--resume", "--json").json()
        assert again["Audit"][0]["searchable"] == 8
        assert (
            again["Trial of news-ingest"][0]["started"]
            == json.loads(first)["Trial of news-ingest"][0]["started"]
        )
        assert installation.processes() == []


def _assert_numbers(report: dict[str, list[dict[str, Any]]]) -> None:
    """Check every section that the sites of `serve` determine."""

    def counts(title: str) -> dict[str, int]:
        return {row["what"]: row["count"] for row in report[title]}

    audit = {"entries": 10, "documents": 8, "searchable": 8, "waiting": 0, "missing_count": 0}
    assert report["Audit"][0].items() >= audit.items()
    assert report["Trial of news-ingest"][0]["feeds"] == 7
    assert {row["stage"] for row in report["Memory"]} == set(STAGES)
    assert all(row["peak_bytes"] > 10_000_000 for row in report["Memory"])
    assert counts("Pages by answer") == {"http_200": 6, "http_403": 2}
    assert counts("Feeds at the end") == {"healthy": 5, "failing timeout": 1, "failing http_403": 1}
    events = counts("Events of poll")
    assert events["feed_polled new"] == 5
    assert events["poll_failed timeout"] >= 1
    assert events["poll_failed http_403 403"] >= 1
    assert counts("Events of fetch")["page_missing missing http_403"] == 2
    assert counts("Walls") == {"is_consent_page": 1, "redirect to login, consent or offer": 1}
    assert counts("Entries that ended in one document") == {"3 entries": 1}
    (double,) = report["Doubles by text"]
    assert sorted(double["examples"]) == ["http://copying.example/copy", "http://twice.example/new"]
    assert counts("Sources of fields")["published_at: feed"] == 3
    assert counts("Oddities of feeds") == {"feed_oddity date_unreadable": 4}
    assert counts("Oddities of extraction") == {"extraction.is_short": 3}
    lengths = counts("Lengths and times")
    assert lengths["characters, text from page"] == 6
    assert lengths["seconds, seen to searchable"] == 8
    sites = {row["site"]: row for row in report["Sites"]}
    assert sites["paper-00.example"].items() >= {"documents": 3, "published_at": 3}.items()
    assert "page http_403: 2," in sites["refusing.example"]["answers"]
    assert "poll_failed http_403 403" in sites["closed.example"]["answers"][0]
