"""The sites of seeds/ over real HTTP: files, scripted answers, times, and nothing outside."""

from __future__ import annotations

import gzip
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.cli.demo.seed_sites import SeedSites
from ingest.errors import ConfigError

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SITE = """
host: sund-post.example
publisher: Sund Post
language: en
feed: /feed.xml
answers:
  /shaky: [{status: 503, headers: {Retry-After: "7"}, text: later}, {file: page.html}]
  /packed: [{file: page.html, is_gzipped: true}]
  /escape: [{file: ../site.yml}]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("seeds")
    www = folder / "sund-post" / "www"
    (www / "inner").mkdir(parents=True)
    (folder / "sund-post" / "site.yml").write_text(SITE)
    (www / "feed.xml").write_text("<rss>{{ago 3h}} {{ago 2d iso}}</rss>")
    (www / "page.html").write_text("<p>Fähre</p>")
    (www / "inner" / "index.html").write_text("<p>inner</p>")
    return folder


@pytest.fixture(scope="module")
def port(folder: Path) -> Iterator[int]:
    sites = SeedSites(folder, now=NOW)
    yield sites.start()
    sites.stop()


def get(
    port: int, path: str, host: str = "sund-post.example", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of one request."""
    given = {"Host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=given)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


def test_times_are_those_before_the_start(port: int) -> None:
    status, headers, body = get(port, "/feed.xml")
    assert status == 200
    assert "xml" in headers["Content-Type"]
    assert body == b"<rss>Fri, 20 Nov 2026 09:00:00 GMT 2026-11-18T12:00:00+00:00</rss>"


def test_a_feed_that_did_not_change_is_not_sent_again(port: int) -> None:
    tag = get(port, "/feed.xml")[1]["ETag"]
    assert get(port, "/feed.xml", If_None_Match=tag)[::2] == (304, b"")
    assert get(port, "/feed.xml", If_None_Match='"other"')[0] == 200


def test_scripted_answers_come_in_turn_the_last_one_for_ever(port: int) -> None:
    status, headers, body = get(port, "/shaky")
    assert (status, headers["Retry-After"], body) == (503, "7", b"later")
    assert [get(port, "/shaky")[0] for _ in range(3)] == [200] * 3


def test_files_and_folders_are_pages(port: int) -> None:
    assert get(port, "/page.html")[2].decode() == "<p>Fähre</p>"
    assert get(port, "/inner")[2] == b"<p>inner</p>"
    assert gzip.decompress(get(port, "/packed")[2]).decode() == "<p>Fähre</p>"


@pytest.mark.parametrize(
    ("path", "host"),
    [
        ("/nowhere", "sund-post.example"),
        ("/../site.yml", "sund-post.example"),
        ("/escape", "sund-post.example"),
        ("/page.html", "other.example"),
        ("/", "sund-post.example"),
    ],
)
def test_nothing_else_is_served(port: int, path: str, host: str) -> None:
    assert get(port, path, host)[0] == 404


def test_a_folder_without_sites_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        SeedSites(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_a_site_with_unknown_options_is_refused_with_the_line(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "site.yml").write_text(SITE.replace("publisher:", "publisherr:"))
    with pytest.raises(ConfigError) as caught:
        SeedSites(tmp_path)
    assert "publisherr" in str(caught.value)
    assert "did you mean `publisher`" in str(caught.value)
