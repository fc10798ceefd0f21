"""Documents on disk: what is found, what is refused, and the ids that stay the same."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import zstandard

from ingest import identity
from ingest.model import Page
from ingest.sources.documents.files import FileFound, FileRefused, list_documents, page_of_file

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
CHANGED_AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
LIMIT = 1_000_000


def page_at(path: Path, now: datetime = NOW) -> Page:
    found = page_of_file(FileFound(str(path)), now, LIMIT)
    assert isinstance(found, Page), found
    return found


def refusal_of(path: Path) -> FileRefused:
    found = page_of_file(FileFound(str(path)), NOW, LIMIT)
    assert isinstance(found, FileRefused)
    return found


def a_file(folder: Path, name: str, content: str | bytes = "Text of the ferry.") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    os.utime(path, (CHANGED_AT.timestamp(), CHANGED_AT.timestamp()))
    return path


def test_folders_are_listed_recursively_sorted_and_without_hidden_files(tmp_path: Path) -> None:
    for name in ("b.txt", "a/z.html", "a/c.md", ".hidden.txt", ".git/x.txt"):
        a_file(tmp_path, name)
    found = [Path(one.path).relative_to(tmp_path).as_posix() for one in list_documents([tmp_path])]
    assert found == ["a/c.md", "a/z.html", "b.txt"]


def test_a_file_may_be_named_itself(tmp_path: Path) -> None:
    path = a_file(tmp_path, ".hidden.txt")
    assert list(list_documents([path])) == [FileFound(str(path))]


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    a_file(tmp_path, "a/one.txt")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "self").symlink_to(tmp_path / "self")
    found = list(list_documents([tmp_path]))
    assert [Path(one.path).name for one in found if isinstance(one, FileFound)] == ["one.txt"]
    (refused,) = [one for one in found if isinstance(one, FileRefused)]
    assert refused.reason == "unreadable"


def test_a_link_out_of_the_folder_is_followed_only_when_asked(tmp_path: Path) -> None:
    target = a_file(tmp_path, "outside/secret.txt")
    folder = tmp_path / "in"
    a_file(folder, "own.txt")
    (folder / "link.txt").symlink_to(target)
    (folder / "elsewhere").symlink_to(target.parent)
    (folder / "near.txt").symlink_to(folder / "own.txt")
    found = list(list_documents([folder]))
    assert [(type(one), Path(one.path).name) for one in found] == [
        (FileRefused, "elsewhere"),
        (FileRefused, "link.txt"),
        (FileFound, "near.txt"),
        (FileFound, "own.txt"),
    ]
    assert {one.reason for one in found if isinstance(one, FileRefused)} == {"link_out_of_folder"}
    followed = [Path(one.path).name for one in list_documents([folder], follows_links=True)]
    assert followed == ["secret.txt", "link.txt", "near.txt", "own.txt"]


def test_a_link_that_is_named_itself_is_taken(tmp_path: Path) -> None:
    target = a_file(tmp_path, "outside/one.txt")
    link, folder = tmp_path / "link.txt", tmp_path / "folder"
    link.symlink_to(target)
    folder.symlink_to(target.parent)
    for named in (link, folder):
        (found,) = list_documents([named])
        assert isinstance(found, FileFound)
        assert page_at(Path(found.path)).document_id == page_at(target).document_id


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.txt", b"", "empty_file"),
        ("blank.txt", b" \n\t\r\n", "empty_file"),
        ("mark.txt", b"\xef\xbb\xbf", "empty_file"),
        ("image.txt", b"\x89PNG\r\n\x1a\n\x00\x00\x01", "wrong_type"),
        ("noise.txt", bytes(range(256)) * 20, "wrong_type"),
        ("paper.html", b"%PDF-1.7 and so on", "wrong_type"),
        ("table.csv", b"a,b\n1,2\n", "wrong_type"),
        ("code.py", b"print(1)\n", "wrong_type"),
        ("large.html", b"<p>" + b"x" * LIMIT, "too_large"),
    ],
)
def test_a_file_that_is_not_a_document_is_refused_with_its_reason(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    path = a_file(tmp_path, name, content)
    refused = refusal_of(path)
    assert (refused.reason, refused.path) == (reason, str(path))
    assert refused.id == refusal_of(path).id


def test_a_path_that_is_not_a_file_or_missing_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    assert refusal_of(tmp_path / "pipe.txt").reason == "wrong_type"
    assert refusal_of(tmp_path / "gone.txt").reason == "unreadable"


def test_the_kind_is_that_of_the_ending_confirmed_by_the_bytes(tmp_path: Path) -> None:
    html = "<!DOCTYPE html><html><body><p>Ferry</p></body></html>"
    assert page_at(a_file(tmp_path, "a.txt")).kind == "text"
    assert page_at(a_file(tmp_path, "a.HTM", html)).kind == "html"
    assert page_at(a_file(tmp_path, "saved.txt", html)).kind == "html"
    assert page_at(a_file(tmp_path, "no-ending", html)).kind == "html"
    assert page_at(a_file(tmp_path, "no-ending-2", "Ferry cut\n\nText.")).kind == "text"
    assert page_at(a_file(tmp_path, "wide.txt", "Fähre".encode("utf-16"))).kind == "text"


def test_the_same_file_again_is_the_same_page(tmp_path: Path) -> None:
    path = a_file(tmp_path, "a.txt")
    first, second = page_at(path), page_at(path, NOW + timedelta(days=3))
    assert (first.document_id, first.version) == (second.document_id, second.version)
    assert (first.entry.id, first.body) == (second.entry.id, second.body)
    assert second.entry.first_seen_at == NOW + timedelta(days=3)
    assert zstandard.ZstdDecompressor().decompress(first.body) == path.read_bytes()


def test_the_same_content_elsewhere_is_the_same_document(tmp_path: Path) -> None:
    first, second = page_at(a_file(tmp_path, "a.txt")), page_at(a_file(tmp_path, "b/c.txt"))
    assert first.document_id == second.document_id
    assert first.path != second.path
    assert first.entry.url_published == (tmp_path / "a.txt").as_uri()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", "Title: Ferry\nURL: https://Courier.example/ferry?utm_source=x#top\n\nText"),
        ("a.html", '<html><head><link href="https://courier.example/ferry" rel="canonical"></head>'),
        ("b.html", "<html><meta content='https://courier.example/ferry' property=og:url>"),
        ("c.html", '<html><link rel="canonical" href="https://courier.example/">'
                   '<meta property="og:url" content="https://courier.example/ferry">'),
    ],
)  # fmt: skip
def test_a_named_address_gives_the_id_and_a_change_is_a_newer_version(
    tmp_path: Path, name: str, content: str
) -> None:
    path = a_file(tmp_path, name, content)
    first = page_at(path)
    assert first.document_id == identity.document_id_of_url("https://courier.example/ferry")
    assert (first.url_canonical, first.domain) == (
        "https://courier.example/ferry",
        "courier.example",
    )
    assert first.fetched_at == CHANGED_AT
    path.write_text(content + "\nmore", encoding="utf-8")
    os.utime(path, (CHANGED_AT.timestamp() + 1, CHANGED_AT.timestamp() + 1))
    second = page_at(path)
    assert second.document_id == first.document_id
    assert second.entry.id == first.entry.id
    assert second.version > first.version


def test_a_changed_file_without_address_is_another_document(tmp_path: Path) -> None:
    first = page_at(a_file(tmp_path, "a.txt", "One text."))
    second = page_at(a_file(tmp_path, "a.txt", "Another text."))
    assert first.document_id != second.document_id
    assert first.entry.id != second.entry.id


def test_a_file_from_the_future_counts_as_of_now(tmp_path: Path) -> None:
    path = a_file(tmp_path, "a.txt")
    os.utime(path, (NOW.timestamp() + 90_000, NOW.timestamp() + 90_000))
    assert page_at(path).fetched_at == NOW


def test_a_name_that_is_not_valid_utf_8_can_be_written(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/f\xe4hre.txt"
    Path(os.fsdecode(path)).write_text("Text of the ferry.", encoding="utf-8")
    (found,) = list_documents([tmp_path])
    page_at(Path(found.path)).path.encode("utf-8")
