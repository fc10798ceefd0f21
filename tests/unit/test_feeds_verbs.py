"""`news-ingest feeds …` as a person runs it: real processes, a real site, a real log."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from ingest.adapters.sqlite_log import SqliteLog
from ingest.bootstrap.engines import open_log
from ingest.partition import partition_for
from ingest.polling.state.feed_state import FeedState
from ingest.records.stage_plan import FEED_STATE
from ingest.settings.feeds import read_feeds
from ingest.settings.load import load
from tests.http_site import Answer, HttpSite, redirect
from tests.unit.feeds_rig import FeedsRig
from tests.unit.polling_rig import Rig, feed_answer

pytestmark = pytest.mark.slow
HOST = "harbour-times.example"
FEEDS = """\
# The feeds of Port Elsin.
groups:
  english: {language: en}   # all of it
feeds:
  # the north
  - url: http://north.example/rss
    id: north
    group: english
    basic_auth: {env: PATH}
  - http://south.example/rss   # the south
"""


@pytest.fixture
def site() -> Iterator[HttpSite]:
    with HttpSite() as running:
        running.serve(HOST, "/feed.xml", feed_answer("bridge", "ferry", "pier", "tower"))
        head = b"<link rel=alternate type=application/rss+xml href=/feed.xml>"
        running.serve(HOST, "/", Answer(body=b"<html><head>" + head + b"</head></html>"))
        running.serve(HOST, "/old.xml", redirect(f"http://{HOST}/feed.xml", 301))
        yield running


@pytest.fixture
def rig(tmp_path: Path, site: HttpSite) -> FeedsRig:
    return FeedsRig(tmp_path, FEEDS, site.hosts("*.example"))


def test_add_finds_the_feed_of_a_page_and_keeps_the_file(rig: FeedsRig) -> None:
    dry = rig.run("add", f"http://{HOST}/", "--dry-run")
    assert dry.code == 0
    assert rig.file.read_text() == FEEDS
    for words in ("robots     allowed", "The bridge", "The pier", "plan       every", "- url: "):
        assert words in dry.out
    assert "The tower" not in dry.out
    unasked = rig.run("add", f"http://{HOST}/")
    assert unasked.code == 2
    assert "--yes" in unasked.err
    added = rig.run("add", f"http://{HOST}/", "--yes", "--id", "harbour", "--group", "english",
                    "--publisher", "Harbour Times")  # fmt: skip
    assert added.code == 0, added
    text = rig.file.read_text()
    assert text == FEEDS + (
        f"  - url: http://{HOST}/feed.xml\n    id: harbour\n    publisher: Harbour Times\n"
        "    group: english\n"
    )
    assert read_feeds(rig.file).feeds["harbour"].language == "en"


def test_add_refuses_what_is_known_also_through_redirects(rig: FeedsRig) -> None:
    rig.file.write_text(FEEDS + f"  - {{url: 'http://{HOST}/feed.xml', id: harbour}}\n")
    before = rig.file.read_text()
    for url in (f"https://www.{HOST}/feed.xml/", f"http://{HOST}/old.xml", f"http://{HOST}/"):
        refused = rig.run("add", url, "--yes")
        assert refused.code == 2
        assert "harbour" in refused.err
    assert rig.file.read_text() == before


def test_add_writes_nothing_for_what_is_no_feed_or_not_allowed(
    rig: FeedsRig, site: HttpSite
) -> None:
    site.serve("closed.example", "/robots.txt", Answer(body=b"User-agent: *\nDisallow: /"))
    site.serve("closed.example", "/rss", feed_answer("gate", host="closed.example"))
    forbidden = rig.run("add", "http://closed.example/rss", "--yes")
    assert forbidden.code == 2
    assert "robots: ignore" in forbidden.out
    assert rig.run("add", "http://nothing.example/", "--yes", "--json").json_lines() == [
        {"added": False, "url": "http://nothing.example/", "problems": ["http_404: HTTP 404"]}
    ]
    assert rig.run("add", "ftp://a.example/", "--yes").code == 2
    assert rig.run("add", "http://u:secret@a.example/", "--yes").code == 2
    assert rig.run("add", f"http://{HOST}/feed.xml", "--yes", "--group", "englich").code == 2
    assert rig.run("add", f"http://{HOST}/feed.xml", "--yes", "--id", "north").code == 2
    assert rig.file.read_text() == FEEDS
    allowed = rig.run("add", "http://closed.example/rss", "--yes", "--robots", "ignore")
    assert allowed.code == 0, allowed
    assert "    robots: ignore\n" in rig.file.read_text()


def test_remove_takes_one_block_out(rig: FeedsRig) -> None:
    assert rig.run("remove", "north", "--dry-run").code == 0
    assert rig.file.read_text() == FEEDS
    removed = rig.run("remove", "http://south.example/rss")
    assert "articles stay" in removed.out
    assert rig.file.read_text() == FEEDS.replace("  - http://south.example/rss   # the south\n", "")
    assert rig.run("remove", "nort").code == 2


def test_test_takes_files_and_addresses_and_gives_a_line_for_each(
    rig: FeedsRig, site: HttpSite
) -> None:
    (rig.folder / "a.xml").write_bytes(feed_answer("bridge").body)
    (rig.folder / "b.xml").write_bytes(b"no feed at all")
    tested = rig.run("test", "--json", "a.xml", f"http://{HOST}/feed.xml", "b.xml", "missing.xml")
    assert tested.code == 1
    lines = tested.json_lines()
    assert [line["input"] for line in lines] == [
        "a.xml", f"http://{HOST}/feed.xml", "b.xml", "missing.xml",
    ]  # fmt: skip
    keys = ["input", "format", "title", "entries", "problems"]
    assert [list(line) for line in lines] == [keys, [*keys, "poll"], keys, keys]
    assert [len(line["entries"]) for line in lines] == [1, 4, 0, 0]
    assert lines[1]["poll"]["would_index"] == 4
    assert lines[1]["poll"]["robots"] == "allowed"
    assert site.asked(HOST, "/feed.xml")[0].header("user-agent") == (
        "news-ingest/" + _version() + " (+https://elsin.example/contact)"
    )
    assert not (rig.folder / "var").exists()
    assert rig.run("test", "b.xml").code == 2
    assert rig.run("test", "a.xml").code == 0


def test_test_of_files_needs_no_settings(rig: FeedsRig, tmp_path: Path) -> None:
    (rig.folder / "a.xml").write_bytes(feed_answer("bridge").body)
    rig.config.rename(rig.folder / "elsewhere")
    rig.config = Path("")
    assert rig.run("test", "--json", "a.xml").json_lines()[0]["format"] == "RSS 2.0"


def test_a_folder_is_summed_up_and_what_is_missing_is_said(rig: FeedsRig) -> None:
    folder = rig.folder / "collection"
    folder.mkdir()
    empty = rig.run("test", "collection")
    assert (empty.code, empty.err.strip()) == (2, "no files in this folder")
    (folder / "a.xml").write_bytes(feed_answer("bridge").body)
    (folder / "b.xml").write_bytes(b"no feed")
    done = rig.run("test", "collection", "nowhere")
    assert done.code == 1
    assert done.out.rstrip().endswith("3 inputs: 1 good, 0 with warnings, 2 bad")
    assert "no such file or folder, and no feed has this name" in done.out


def test_discover_names_the_best_and_how_to_add_it(rig: FeedsRig) -> None:
    assert (
        f"news-ingest feeds add http://{HOST}/feed.xml"
        in rig.run("discover", f"http://{HOST}/").out
    )
    (best,) = rig.run("discover", f"http://{HOST}/", "--json").json_lines()
    assert (best["url"], best["how"], best["entries"]) == (f"http://{HOST}/feed.xml", "link", 4)
    assert rig.run("discover", "http://nothing.example/").code == 2


def test_a_list_goes_out_and_comes_in_again_without_secrets(rig: FeedsRig, tmp_path: Path) -> None:
    exported = rig.run("export")
    assert exported.code == 0
    assert "PATH" not in exported.out
    assert exported.err.strip() == "2 feeds"
    assert "basic_auth" not in rig.run("export", "--format", "yaml").out
    other = FeedsRig(tmp_path / "other", "# mine\nfeeds: []\n")
    opml = tmp_path / "list.opml"
    opml.write_text(
        exported.out.replace(
            "</body>",
            '<outline xmlUrl="http://u:p@x.example/"/><outline xmlUrl="mailto:a@b"/></body>',
        )
    )
    assert other.run("import", str(opml), "--dry-run").code == 1
    assert other.file.read_text() == "# mine\nfeeds: []\n"
    done = other.run("import", str(opml), "--json")
    assert done.code == 1
    assert [(one["outcome"], one["line"] > 0) for one in done.json_lines()] == [
        ("added", True), ("added", True), ("refused", True), ("refused", True),
    ]  # fmt: skip
    before = read_feeds(rig.file, {"PATH": "x"}).feeds.values()
    after = read_feeds(other.file).feeds.values()
    assert {(feed.url, feed.publisher, feed.group) for feed in before} == {
        (feed.url, feed.publisher, feed.group) for feed in after
    }
    assert other.file.read_text().startswith("# mine\n")
    again = other.run("import", str(opml), "--json").json_lines()
    assert [one["outcome"] for one in again][:2] == ["known", "known"]


def test_a_list_that_is_cut_or_empty_is_no_success(rig: FeedsRig) -> None:
    (rig.folder / "cut.opml").write_text('<opml><body><outline xmlUrl="http://x.example/f"/><outl')
    cut = rig.run("import", "cut.opml")
    assert (cut.code, "1 added" in cut.out) == (1, True)
    assert "is cut off" in cut.err
    (rig.folder / "none.opml").write_text("<opml><body/></opml>")
    none = rig.run("import", "none.opml")
    assert (none.code, "has no feeds" in none.err) == (1, True)


def test_an_included_list_is_fetched_through_the_guard(rig: FeedsRig, site: HttpSite) -> None:
    body = b'<opml><body><outline text="X" xmlUrl="http://x.example/rss"/></body></opml>'
    site.serve("lists.example", "/more.opml", Answer(200, body))
    (rig.folder / "l.opml").write_text(
        '<opml><body><outline type="include" url="http://lists.example/more.opml"/>'
        '<outline type="include" url="http://127.0.0.1/x.opml"/></body></opml>'
    )
    lines = rig.run("import", "l.opml", "--json").json_lines()
    assert {(one["outcome"], one["url"]) for one in lines} == {
        ("added", "http://x.example/rss"),
        ("refused", "http://127.0.0.1/x.opml"),
    }


def test_states_are_shown_and_a_wish_to_poll_is_answered(rig: FeedsRig, site: HttpSite) -> None:
    rig.file.write_text(
        f"feeds:\n  - {{url: 'http://{HOST}/feed.xml', id: harbour}}\n  - {{url: 'http://sick.example/x', id: sick}}\n"
    )
    assert [one["state"] for one in rig.run("list", "--json").json_lines()] == ["new", "new"]
    asked = rig.run("poll", "harbour", "--json")
    assert asked.code == 1
    assert "no poller is running" in asked.err
    settings = load(rig.config)
    log = open_log(settings)
    assert isinstance(log, SqliteLog)
    try:
        (request,) = [one for one in log.scan(FEED_STATE) if one.key == b"harbour/request"]
        partitions = next(spec.partitions for spec in settings.topics if spec.name == FEED_STATE)
        assert request.partition == partition_for(HOST, partitions)
        assert datetime.fromisoformat(json.loads(request.value or b"")["at"]).tzinfo is not None
        state = FeedState(feed_id="harbour")
        with Rig(site, log, *settings.feeds.feeds.values()) as running:
            for _ in range(200):
                state = running.state("harbour")
                sick = running.state("sick")
                if state.recent_polls and sick.recent_polls:
                    break
                threading.Event().wait(0.05)
    finally:
        log.close()
    listed = {one["id"]: one for one in rig.run("list", "--json").json_lines()}
    assert (listed["harbour"]["state"], listed["sick"]["state"]) == ("healthy", "failing")
    assert listed["sick"]["last_error"] == "http_404"
    assert listed["harbour"]["format"] == "RSS 2.0"
    assert [one["id"] for one in rig.run("list", "--state", "failing", "--json").json_lines()] == [
        "sick"
    ]
    assert rig.run("list", "--state", "failling").code == 2
    assert "2 feeds: 1 healthy, 1 failing" in rig.run("list").out
    whole = json.loads(rig.run("status", "--json").out)
    assert whole["states"] == {"healthy": 1, "failing": 1}
    assert [one["id"] for one in whole["worst"]] == ["sick"]
    one = json.loads(rig.run("status", "harbour", "--json").out)
    assert one["recent_polls"]
    assert one["why_next"].startswith("Next poll ")
    assert "next       Next poll" in rig.run("status", "harbour").out
    assert "http_404" in rig.run("status", "sick").out


def _version() -> str:
    from ingest import __version__

    return __version__
