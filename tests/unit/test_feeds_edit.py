"""Editing feeds.yml: what is not meant stays byte for byte."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ingest.errors import ConfigError, NewsIngestError
from ingest.settings.feeds_edit import (
    edit_feeds,
    listed_feeds,
    with_feeds,
    with_groups,
    without_feed,
)

FILE = """\
# The feeds of Port Elsin.
groups:
    harbour:          # four blanks, on purpose
        language:   en

feeds:
# the north
- {url: 'https://north.example/rss',   id: north}   # flow style
- url: https://south.example/rss
  # its own word
  group: "harbour"     # quoted

# the islands, hard to reach
- https://island.example/rss
# the end
"""
NEW = {"url": "https://new.example/rss", "id": "new", "publisher": "New: Times"}


def test_a_new_feed_is_the_last_and_nothing_else_changes() -> None:
    after = with_feeds(FILE, [NEW])
    block = "\n- url: https://new.example/rss\n  id: new\n  publisher: 'New: Times'\n"
    assert block in after  # after a blank line, as the others are
    assert after.replace(block, "") == FILE
    assert listed_feeds(after)[-1] == NEW


def test_two_new_feeds_come_in_their_order() -> None:
    after = with_feeds(FILE, [NEW, {"url": "https://second.example/rss"}])
    assert [block if isinstance(block, str) else block["url"] for block in listed_feeds(after)] == [
        "https://north.example/rss",
        "https://south.example/rss",
        "https://island.example/rss",
        "https://new.example/rss",
        "https://second.example/rss",
    ]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_removing_a_feed_keeps_every_comment_of_the_others(number: int) -> None:
    after = without_feed(FILE, number)
    left = listed_feeds(FILE)
    del left[number]
    assert listed_feeds(after) == left
    for comment in ("# The feeds of Port Elsin.", "# four blanks", "# the north",
                    "# the islands, hard to reach", "# the end"):  # fmt: skip
        assert comment in after
    assert ("# its own word" in after) == (number != 1)
    gone = set(FILE.splitlines()) - set(after.splitlines())
    assert len(gone) == (3 if number == 1 else 1)


def test_the_last_feed_leaves_an_empty_list_that_can_be_filled_again() -> None:
    alone = "feeds:   # none yet\n  # first\n  - url: https://a.example/rss\n"
    empty = without_feed(alone, 0)
    assert listed_feeds(empty) == []
    assert "# none yet" in empty
    assert "# first" in empty
    again = with_feeds(empty, [NEW])
    assert listed_feeds(again) == [NEW]
    assert "# none yet" in again


@pytest.mark.parametrize(
    "text",
    ["", "# nothing\n", "feeds:\n", "feeds: []  # none\n", "groups: {}\n", "feeds: []",
     "feeds:\n  - url: https://a.example/x", "feeds: [https://a.example/x]  # flow\n",
     "feeds:\n  -\n    url: https://a.example/x\n", "feeds:\r\n  - url: https://a.example/x\r\n"],
)  # fmt: skip
def test_a_feed_can_be_added_to_any_form_of_file(text: str) -> None:
    before = listed_feeds(text)
    after = with_feeds(text, [NEW])
    assert listed_feeds(after) == [*before, NEW]
    if "#" in text:
        assert text.partition("#")[2].strip() in after
    if "\r\n" in text:
        assert after.count("\n") == after.count("\r\n")


@pytest.mark.parametrize("text", [FILE, "", "groups:\n", "groups: {}  # c\nfeeds: []\n"])
def test_groups_are_added_once(text: str) -> None:
    after = with_groups(text, ["isles", "two: words"])
    assert with_groups(after, ["isles"]) == after
    assert "isles: {}" in after
    assert listed_feeds(after) == listed_feeds(text)
    for line in text.splitlines():
        if line.strip().startswith("#"):
            assert line in after


def test_a_broken_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "feeds.yml"
    path.write_text("feeds: [", encoding="utf-8")
    with pytest.raises(ConfigError):
        edit_feeds(path, lambda text: with_feeds(text, [NEW]))
    assert path.read_text(encoding="utf-8") == "feeds: ["


def test_the_file_is_replaced_in_one_step_with_its_rights(tmp_path: Path) -> None:
    real, link = tmp_path / "real.yml", tmp_path / "feeds.yml"
    real.write_text(FILE, encoding="utf-8")
    real.chmod(0o640)
    link.symlink_to(real)
    before = real.stat().st_ino
    edit_feeds(link, lambda text: with_feeds(text, [NEW]))
    assert link.is_symlink()
    assert real.stat().st_ino != before
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["feeds.yml", "real.yml"]


@contextmanager
def another_owner(folder: Path) -> Iterator[int | None]:
    """Run the block as somebody in the group of `folder` who owns nothing of it; gives who does.

    Without root's rights nobody else can be played; then the folder refuses new files instead.
    """
    if os.geteuid() != 0:
        folder.chmod(0o555)
        yield os.geteuid()
        folder.chmod(0o755)
        return
    for path in (folder, *folder.iterdir()):
        os.chown(path, 1001, 0)
        path.chmod(path.stat().st_mode | 0o060)
    os.seteuid(1000)
    try:
        yield 1001
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Return a folder that other users can reach: those of a test runner are closed to them."""
    folder = Path(tempfile.mkdtemp(prefix="news-ingest-feeds-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can play another user")
def test_a_file_put_there_by_its_owner_is_replaced_if_only_the_folder_is_open(
    open_folder: Path,
) -> None:
    path = open_folder / "feeds.yml"
    path.write_text("feeds: []\n", encoding="utf-8")
    with another_owner(open_folder) as owner:
        os.seteuid(0)
        new = open_folder / "new.yml"  # what an editor, `cp` or `git pull` leaves behind
        new.write_text(FILE, encoding="utf-8")
        os.chown(new, owner, owner)
        new.chmod(0o644)
        new.replace(path)
        os.seteuid(1000)
        edit_feeds(path, lambda text: with_feeds(text, [NEW]))
    assert path.read_text(encoding="utf-8") == with_feeds(FILE, [NEW])
    assert [one.name for one in open_folder.iterdir()] == ["feeds.yml"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_file_of_somebody_else_stays_theirs(open_folder: Path) -> None:
    path = open_folder / "feeds.yml"
    path.write_text(FILE, encoding="utf-8")
    with another_owner(open_folder) as owner:
        edit_feeds(path, lambda text: with_feeds(text, [NEW]))
        assert path.read_text(encoding="utf-8") == with_feeds(FILE, [NEW])
        edit_feeds(path, lambda text: without_feed(text, 3))  # shorter again
    assert path.read_text(encoding="utf-8") == without_feed(with_feeds(FILE, [NEW]), 3)
    assert path.stat().st_uid == owner
    assert [one.name for one in open_folder.iterdir()] == ["feeds.yml"]


def test_a_missing_file_is_said_by_name(tmp_path: Path) -> None:
    with pytest.raises(NewsIngestError, match=r"feeds\.yml"):
        edit_feeds(tmp_path / "feeds.yml", lambda text: text)
