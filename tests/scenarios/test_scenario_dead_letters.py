"""A page that fails too often: traced, listed, shown, sent again, given up; all is accounted for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.http_site import Answer, HttpSite
from tests.scenarios.harness import Installation, Running
from tests.scenarios.press import papers

pytestmark = pytest.mark.slow


class Scene:
    """A running installation over one paper with a good article and two broken ones."""

    def __init__(self, folder: Path, site: HttpSite) -> None:
        self.site = site
        self.installation = Installation(
            folder, hosts=site.hosts("*.example"), retry={"delays_seconds": [0.2, 0.3, 0.4]}
        )
        (self.paper,) = papers(site, 1)
        self.good, self.fixed, self.hopeless = self.paper.publish(3)
        self.pages = {url: self._break(url) for url in (self.fixed, self.hopeless)}
        self.installation.set_feeds([self.paper.feed])
        self.tree: Running = self.installation.start()

    def _break(self, url: str) -> Answer:
        host, _, path = url.removeprefix("http://").partition("/")
        page = self.paper.page(url)
        self.site.serve(host, f"/{path}", Answer(503, b"out of order"))
        return page

    def fix(self, url: str) -> None:
        host, _, path = url.removeprefix("http://").partition("/")
        self.site.serve(host, f"/{path}", self.pages[url])

    def letters(self, *arguments: str) -> list[Any]:
        return self.installation.command("dead-letters", "list", "--json", *arguments).json_lines()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with HttpSite() as site:
        scene = Scene(tmp_path, site)
        with scene.installation:
            yield scene


def test_what_failed_is_set_aside_then_sent_again_or_given_up(scene: Scene) -> None:
    command = scene.installation.command
    scene.installation.wait_for(searchable=1, dead_letters=2)
    letters = {letter["url"]: letter for letter in scene.letters()}
    assert set(letters) == {scene.fixed, scene.hopeless}
    for letter in letters.values():
        assert (letter["stage"], letter["reason"]) == ("fetch", "exhausted")
        assert letter["failure_class"] == "transient"
        assert letter["attempts"] == 4
        assert "503" in letter["message"]
    assert scene.letters("--stage", "enrich") == []
    assert len(scene.letters("--reason", "exhausted", "--limit", "1")) == 1
    assert "2 dead letters" in command("dead-letters", "list").out

    key = letters[scene.fixed]["key"]
    shown = command("dead-letters", "show", key, "--json").json()
    assert shown["headers"]["dead-letter.topic"] == "news.entries"
    assert scene.fixed in shown["input"]
    assert scene.fixed in command("dead-letters", "show", key).out
    assert command("dead-letters", "show", "news.entries/0/999999", code=1).out == ""

    steps = scene.installation.trace(scene.fixed)
    assert steps[0]["place"].startswith("news.entries/")
    assert any(".dead-letter" in step["place"] and "503" in step["note"] for step in steps)
    assert {step["entry_id"] for step in steps} == {letters[scene.fixed]["entry_id"]}

    assert "1 would be replayed" in command("dead-letters", "replay", key, "--dry-run").out
    scene.fix(scene.fixed)
    assert "1 replayed" in command("dead-letters", "replay", key).out
    scene.installation.wait_for(searchable=2, dead_letters=1)
    hopeless = letters[scene.hopeless]["entry_id"]
    for number in (1, 2, 3):
        assert "1 replayed" in command("dead-letters", "replay", hopeless).out
        scene.installation.wait_for(searchable=2, dead_letters=1)
        assert [letter["replays"] for letter in scene.letters()] == [number]
    refused = command("dead-letters", "replay", hopeless, code=1)
    assert "already been replayed 3 times" in refused.err
    assert "--force" in refused.err
    assert "1 replayed" in command("dead-letters", "replay", "--stage", "fetch", "--force").out
    scene.installation.wait_for(searchable=2, dead_letters=1)

    assert "give a key" in command("dead-letters", "drop", code=2).err
    dry = command("dead-letters", "drop", "--reason", "exhausted", "--dry-run").out
    assert "1 would be dropped" in dry
    assert "1 dropped" in command("dead-letters", "drop", hopeless).out
    scene.installation.wait_for(searchable=2, dropped=1, dead_letters=0)
    assert scene.letters() == []
    notes = [step["note"] for step in scene.installation.trace(scene.hopeless)]
    assert any("dead_letter_exhausted" in note for note in notes)
    assert command("audit").code == 0


def test_one_article_is_followed_from_its_feed_into_the_index(scene: Scene) -> None:
    scene.installation.wait_for(searchable=1, dead_letters=2)
    steps = scene.installation.trace(scene.good)
    places = [step["place"].partition("/")[0].split()[0] for step in steps]
    assert places == ["news.entries", "news.pages", "news.documents", "news.enriched", "index"]
    times = [datetime.fromisoformat(step["at"]) for step in steps]
    assert times == sorted(times)
    (id,) = {step["document_id"] for step in steps if step["document_id"]}
    assert scene.installation.trace(id) == steps
    shown = scene.installation.command("show", id, "--json").json()
    assert shown["url_canonical"] == scene.good
    assert scene.installation.command("show", "0" * 32, code=1).out == ""
    nowhere = scene.installation.command("trace", "http://nowhere.example/a", code=1)
    assert "http://nowhere.example/a" in nowhere.err

    rows = {one["stage"]: one for one in scene.installation.command("lag", "--json").json()}
    assert {name: one["workers"] for name, one in rows.items()} == dict.fromkeys(
        ("fetch", "archive", "extract", "enrich", "index"), 1
    )
    assert rows["index"]["group"] == "news-index"
    assert "news-extract" in scene.installation.command("lag").out
    assert scene.tree.stop() == 0
    stopped = scene.installation.command("lag", "--json").json()
    assert {one["workers"] for one in stopped} == {0}
