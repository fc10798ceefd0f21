"""Bad files, bad feeds and bad pages: each ends clearly, and nothing else is lost."""

from __future__ import annotations

import os
import random
import uuid
from pathlib import Path

import pytest

from ingest.identity import feed_id_of_url
from tests.http_site import Answer, HttpSite
from tests.scenarios.harness import Installation
from tests.scenarios.press import papers

pytestmark = pytest.mark.slow

STORY = (
    "Der Fährverkehr über den Sund ruht seit gestern Abend, weil ein Sturm die Anleger beschädigt "
    "hat. Kapitän Jörg Müßig sagte, die Überfahrt sei erst am Donnerstag wieder möglich. "
    "Für die Gäste auf der Insel wurden Betten in der Schule aufgestellt."
)
DEEP, FAR_TOO_DEEP = 1_000, 99_000


def _fill(folder: Path) -> dict[str, int]:
    """Write good and bad files and return how many must end how."""
    folder.mkdir()
    (folder / "good.txt").write_text(f"Ferry stays in port\n\n{STORY}\n", encoding="utf-8")
    (folder / "good.html").write_text(_page("A page like others", STORY), encoding="utf-8")
    latin = _page("Latin script", STORY + " Alles Übrige folgt.", charset="iso-8859-1")
    (folder / "latin.html").write_bytes(latin.encode("latin-1"))
    (folder / "latin-undeclared.txt").write_bytes(
        f"Fähre bleibt im Hafen\n\n{STORY} Und so weiter.\n".encode("latin-1")
    )
    broken = f"Broken bytes\n\n{STORY} Am Ende fehlt etwas.\n".encode()
    (folder / "broken-utf8.txt").write_bytes(broken.replace("ü".encode(), b"\xc3", 1))
    deep = f"{'<div>' * DEEP}<p>{STORY} Ganz unten im Keller.</p>{'</div>' * DEEP}"
    (folder / "deep.html").write_text(_page("Deep down", deep), encoding="utf-8")
    (folder / "sub" / "sub").mkdir(parents=True)
    (folder / "sub" / "sub" / "inner.md").write_text(f"Inner\n\n{STORY} Innen.\n", encoding="utf-8")

    (folder / "empty.txt").touch()
    (folder / "picture.txt").write_bytes(random.Random(7).randbytes(50_000))
    (folder / "program.bin").write_bytes(b"\x7fELF" + bytes(1000))
    (folder / "huge.html").write_text(_page("Huge", f"<p>{STORY}</p>" * 90_000), encoding="utf-8")
    assert (folder / "huge.html").stat().st_size > 20 * 1024 * 1024
    (folder / "gone.txt").symlink_to(folder / "nowhere.txt")
    (folder / "locked.txt").symlink_to("/proc/self/mem")
    os.mkfifo(folder / "pipe.txt")
    (folder / "loop").symlink_to(folder)
    (folder / "sub" / "up").symlink_to(folder)
    return {
        "searchable": 7,
        "refused: empty_file": 1,
        "refused: wrong_type": 3,
        "refused: too_large": 1,
        "refused: unreadable": 1,
        "refused: link_out_of_folder": 1,
    }


def _page(title: str, text: str, charset: str = "utf-8") -> str:
    return (
        f"<!doctype html><html lang=de><head><meta charset={charset}><title>{title}</title></head>"
        f"<body><article><h1>{title}</h1><p>{text}</p></article></body></html>"
    )


def test_a_folder_with_everything_bad_in_it_ends_with_a_count_per_outcome(tmp_path: Path) -> None:
    wanted = _fill(tmp_path / "papers")
    with Installation(tmp_path / "home", hosts={}) as installation:
        first = installation.command("ingest", str(tmp_path / "papers"), "--wait", "--json", code=1)
        assert first.json() == {"documents": sum(wanted.values()), "outcomes": wanted}
        found = installation.everything()
        assert len(found) == wanted["searchable"]
        assert {hit["language"] for hit in found.values()} == {"de"}
        assert len(installation.titles('"Kapitän Jörg Müßig"')) >= wanted["searchable"] - 1
        assert installation.processes() == []

        again = installation.command("ingest", str(tmp_path / "papers"), "--wait", "--json", code=1)
        again = again.json()
        assert again["documents"] == sum(wanted.values())
        assert again["outcomes"].pop("known") == wanted["searchable"]
        assert again["outcomes"] == {key: wanted[key] for key in wanted if key != "searchable"}
        assert installation.everything() == found
        audit = installation.command("audit", "--deep", "--json").json()
        assert (audit["searchable"], audit["missing"], audit["dead_letters"]) == (7, [], 0)


def test_a_table_names_each_file_that_is_no_document(tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "good.txt").write_text(f"Ferry stays in port\n\n{STORY}\n", encoding="utf-8")
    (folder / "empty [b].txt").touch()
    # Between two small ones, of 8 MB: more than a record of its topic takes.
    long = random.Random(7).randbytes(2_000_000).hex(" ", 4)
    (folder / "good but long.txt").write_text(f"Far too long\n\n{long * 2}\n", encoding="utf-8")
    hangs = _page("Hangs", f"{STORY}</p><p>{STORY}{'<div>' * FAR_TOO_DEEP}")
    (folder / "hangs.html").write_text(hangs, encoding="utf-8")
    with Installation(tmp_path / "home", hosts={}) as installation:
        said = installation.command("ingest", str(folder), "--wait", code=1).out
        assert "searchable" in said
        assert f"refused: empty_file: {folder / 'empty [b].txt'}" in said
        assert f"refused: record_too_large: {folder / 'good but long.txt'}" in said
        assert f"dead_letter: killed_time: {folder / 'hangs.html'}" in said
        assert installation.titles("*") == ["Ferry stays in port"]
        assert installation.audit()["dead_letters"] == 1
        refused = installation.command("ingest", str(tmp_path / "nowhere"), code=2)
        assert "nowhere" in refused.err


def test_bad_feeds_and_pages_spare_the_others(tmp_path: Path) -> None:
    with (
        HttpSite() as site,
        Installation(
            tmp_path,
            hosts=site.hosts("*.example"),
            polling={"timeout_seconds": 2},
            fetching={"timeout_seconds": 2, "read_timeout_seconds": 1},
        ) as installation,
    ):
        good, hangs, page_like, slow = papers(site, 4)
        good.publish(3)
        (stuck,) = hangs.publish()
        _hang(site, stuck)
        hangs.publish(2)
        page_like.publish()
        site.serve(page_like.host, "/feed.xml", Answer(body=_page("No feed", STORY).encode()))
        slow.publish()
        site.serve(slow.host, "/feed.xml", Answer(wait_seconds=60))
        installation.set_feeds(paper.feed for paper in (good, hangs, page_like, slow))
        tree = installation.start()
        alive = [*good.urls, *hangs.urls[1:]]
        installation.wait_for(searchable=len(alive), dead_letters=1)
        assert installation.urls() == sorted(alive)
        (letter,) = installation.command("dead-letters", "list", "--json").json_lines()
        assert letter["stage"] == "fetch"
        assert letter["failure_class"] == "timeout"
        classes = {one["feed"]: one["class"] for one in tree.events("poll_failed")}
        assert classes == {
            feed_id_of_url(page_like.feed_url): "not_a_feed",
            feed_id_of_url(slow.feed_url): "timeout",
        }
        assert tree.stop() == 0


def _hang(site: HttpSite, url: str) -> None:
    host, _, path = url.removeprefix("http://").partition("/")
    site.serve(host, f"/{path}", Answer(wait_seconds=60))


@pytest.mark.kafka
@pytest.mark.elasticsearch
def test_waiting_without_a_worker_ends_with_the_name_of_the_group(
    tmp_path: Path, kafka_address: str, elasticsearch_url: str
) -> None:
    prefix = uuid.uuid4().hex[:8]
    (tmp_path / "good.txt").write_text(f"Ferry stays in port\n\n{STORY}\n", encoding="utf-8")
    with Installation(
        tmp_path / "home",
        hosts={},
        log={"url": f"kafka://{kafka_address}", "session_timeout_seconds": 6},
        index={"url": elasticsearch_url, "prefix": f"{prefix}-"},
        topics={"prefix": f"{prefix}."},
    ) as installation:
        installation.command("setup")
        done = installation.command("ingest", str(tmp_path / "good.txt"), "--wait", code=1)
        assert "news-extract" in done.err
        assert "news-ingest run --stage extract" in done.err
        stages = installation.start_stages(("extract", "enrich", "index"))
        done = installation.command("ingest", str(tmp_path / "good.txt"), "--wait", "--json")
        assert done.json()["documents"] == 1
        assert list(done.json()["outcomes"].values()) == [1]
        assert installation.titles("Fährverkehr") == ["Ferry stays in port"]
        assert {one.stop() for one in stages.values()} == {0}
