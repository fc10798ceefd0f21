"""Feeds change while the pollers run, and a list cut short by accident waits for a person."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ingest.settings.feeds import read_feeds
from ingest.settings.live_feeds import FollowedFeeds, LiveFeeds, accepted_path, remember, what_waits


def write(folder: Path, count: int) -> str:
    feeds = "".join(f"  - url: https://site{number}.example/feed\n" for number in range(count))
    text = f"feeds:\n{feeds}"
    (folder / "feeds.yml").write_text(text)
    return text


def test_an_added_feed_is_there_at_the_next_look(tmp_path: Path) -> None:
    write(tmp_path, 3)
    live = LiveFeeds(tmp_path)
    assert len(live()) == 3
    write(tmp_path, 4)
    assert len(live()) == 4


def test_nothing_changed_gives_the_same_mapping(tmp_path: Path) -> None:
    write(tmp_path, 3)
    live = LiveFeeds(tmp_path)
    assert live() is live()


def test_three_removed_feeds_need_nobodys_word(tmp_path: Path) -> None:
    write(tmp_path, 10)
    live = LiveFeeds(tmp_path)
    live()
    write(tmp_path, 7)
    assert len(live()) == 7


def test_many_removed_feeds_wait_until_they_are_confirmed(tmp_path: Path) -> None:
    write(tmp_path, 10)
    live = LiveFeeds(tmp_path)
    live()
    text = write(tmp_path, 5)
    assert len(live()) == 10
    remember(accepted_path(tmp_path), text)
    assert len(live()) == 5


def test_the_shipped_list_is_nobodys_and_needs_no_word_to_be_replaced(tmp_path: Path) -> None:
    shipped = (Path(__file__).parents[2] / "config" / "feeds.yml").read_text(encoding="utf-8")
    (tmp_path / "feeds.yml").write_text(shipped)
    assert len(LiveFeeds(tmp_path)()) > 10
    live = LiveFeeds(tmp_path)
    write(tmp_path, 10)
    assert len(live()) == 10
    assert what_waits(tmp_path, read_feeds(tmp_path / "feeds.yml")) == ""
    write(tmp_path, 5)
    assert len(live()) == 10  # the next list is somebody's


def test_it_is_said_what_a_list_that_waits_would_remove(tmp_path: Path) -> None:
    path = tmp_path / "feeds.yml"
    write(tmp_path, 10)
    assert what_waits(tmp_path, read_feeds(path)) == ""  # nothing was accepted yet
    LiveFeeds(tmp_path)()
    text = write(tmp_path, 5)
    said = what_waits(tmp_path, read_feeds(path))
    assert "removes 5 of 10 feeds" in said
    assert "news-ingest feeds confirm" in said
    remember(accepted_path(tmp_path), text)
    assert what_waits(tmp_path, read_feeds(path)) == ""


def test_the_rule_holds_over_a_restart(tmp_path: Path) -> None:
    write(tmp_path, 10)
    LiveFeeds(tmp_path)()
    write(tmp_path, 2)
    assert len(LiveFeeds(tmp_path)()) == 10


def test_a_broken_file_leaves_the_last_good_list(tmp_path: Path) -> None:
    write(tmp_path, 3)
    live = LiveFeeds(tmp_path)
    live()
    (tmp_path / "feeds.yml").write_text("feeds: [unclosed")
    assert len(live()) == 3


def test_one_broken_block_leaves_the_others(tmp_path: Path) -> None:
    text = write(tmp_path, 3)
    live = LiveFeeds(tmp_path)
    live()
    (tmp_path / "feeds.yml").write_text(
        text.replace("https://site1", "ftp://site1") + "  - url: https://new.example/f\n"
    )
    urls = {feed.url for feed in live().values()}
    assert "https://new.example/f" in urls
    assert len(urls) == 3


def test_a_text_that_was_read_is_not_read_again(tmp_path: Path) -> None:
    remember(accepted_path(tmp_path), write(tmp_path, 10))
    read = read_feeds(tmp_path / "feeds.yml")
    live = LiveFeeds(tmp_path, read=read)
    assert live() is read.feeds
    write(tmp_path, 11)
    assert len(live()) == 11


@pytest.mark.slow
def test_a_thread_looks_after_a_list_that_is_followed(tmp_path: Path) -> None:
    write(tmp_path, 3)
    with FollowedFeeds(LiveFeeds(tmp_path)) as feeds:
        assert len(feeds()) == 3
        write(tmp_path, 4)
        until = time.monotonic() + 20
        while len(feeds()) < 4 and time.monotonic() < until:
            time.sleep(0.02)
        assert len(feeds()) == 4
