"""The web pages of a WARC file are read, whatever is broken between them."""

from __future__ import annotations

import gzip
import io
import random
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import brotli
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import identity
from ingest.model import Page
from ingest.sources.documents.files import FileRefused
from ingest.sources.documents.warc import Skipped, is_warc, pages_of_warc
from ingest.sources.documents.warc_records import records

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LIMIT = 200_000
HOST = "http://lantern-post.example"


class Warc:
    """A WARC file in the making; knows where each record begins."""

    def __init__(self, *, is_packed: bool = True) -> None:
        self._is_packed = is_packed
        self.data = b""
        self.starts: list[int] = []

    def answer(
        self,
        path: str,
        body: bytes | None = None,
        *,
        status: str = "200 OK",
        content_type: str = "text/html; charset=utf-8",
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        content = page_body(path) if body is None else body
        lines = [f"HTTP/1.1 {status}", f"Content-Type: {content_type}"]
        lines += [f"{name}: {value}" for name, value in headers]
        head = "".join(f"{line}\r\n" for line in lines).encode()
        self._write(f"{HOST}{path}", "response", head + b"\r\n" + content)

    def other(self, kind: str) -> None:
        self._write(f"{HOST}/other", kind, b"fetched: by an invented crawler\r\n")

    def _write(self, url: str, kind: str, block: bytes) -> None:
        self.starts.append(len(self.data))
        head = (
            f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:lamp:{len(self.starts)}>\r\n"
            f"WARC-Date: 2026-03-04T05:06:07Z\r\nWARC-Target-URI: {url}\r\n"
            f"Content-Type: application/http; msgtype={kind}\r\n"
            f"Content-Length: {len(block)}\r\n\r\n"
        ).encode()
        record = head + block + b"\r\n\r\n"
        self.data += gzip.compress(record) if self._is_packed else record


def page_body(path: str) -> bytes:
    return (
        f"<!doctype html><html><head><title>Lamps at {path}</title></head><body><article>"
        f"<p>The lamps along {path} burn all night.</p></article></body></html>"
    ).encode()


def found_in(folder: Path, data: bytes, name: str = "crawl.warc.gz") -> list[object]:
    path = folder / name
    path.write_bytes(data)
    return list(pages_of_warc(str(path), NOW, LIMIT))


def paths_of(found: list[object]) -> list[str]:
    return [one.url_final.removeprefix(HOST) for one in found if isinstance(one, Page)]


@pytest.mark.parametrize("is_packed", [True, False])
def test_the_web_pages_are_read_and_the_rest_is_skipped(tmp_path: Path, is_packed: bool) -> None:
    warc = Warc(is_packed=is_packed)
    warc.other("warcinfo")
    warc.answer("/a")
    warc.other("metadata")
    warc.answer("/lost", status="404 Not Found")
    warc.answer("/lamp.jpg", b"\xff\xd8\xff", content_type="image/jpeg")
    warc.answer("/")
    warc.answer("/b", b"  ")
    warc.answer("/c")
    found = found_in(tmp_path, warc.data, "crawl.warc.gz" if is_packed else "crawl.warc")
    assert paths_of(found) == ["/a", "/c"]
    reasons = [one.reason for one in found if isinstance(one, Skipped)]
    assert sorted(reasons) == [
        *("empty_body", "http_404", "link_is_home_page", "not_a_page", "not_a_page", "not_a_page")
    ]
    (page, _) = [one for one in found if isinstance(one, Page)]
    assert page.fetched_at == datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
    assert page.entry.first_seen_at == page.fetched_at
    assert page.version == identity.version_of(page.fetched_at)
    assert page.document_id == identity.document_id_of_url(f"{HOST}/a")
    assert zstandard.decompress(page.body) == page_body("/a")
    assert page.content_type == "text/html; charset=utf-8"


def test_compressed_and_chunked_responses_are_decoded(tmp_path: Path) -> None:
    warc = Warc()
    warc.answer("/a", gzip.compress(page_body("/a")), headers=(("Content-Encoding", "gzip"),))
    whole = page_body("/b")
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(whole), whole)
    warc.answer("/b", chunked, headers=(("Transfer-Encoding", "chunked"),))
    pages = [one for one in found_in(tmp_path, warc.data) if isinstance(one, Page)]
    assert [zstandard.decompress(page.body) for page in pages] == [page_body("/a"), whole]


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("br", brotli.compress),
        ("zstd", zstandard.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda data: zlib.compress(data)[2:-4]),
        ("x-gzip", gzip.compress),
        ("gzip, br", lambda data: brotli.compress(gzip.compress(data))),
        ("gzip", lambda data: gzip.compress(data[:20]) + gzip.compress(data[20:])),
        ("br", bytes),
        ("gzip", bytes),
        ("zstd", bytes),
        ("sdch", bytes),
        ("identity", bytes),
    ],
)
def test_every_encoding_is_decoded_also_if_the_crawler_decoded_it(
    tmp_path: Path, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    warc = Warc()
    warc.answer("/a", pack(page_body("/a")), headers=(("Content-Encoding", encoding),))
    warc.answer("/b")
    pages = [one for one in found_in(tmp_path, warc.data) if isinstance(one, Page)]
    assert [zstandard.decompress(page.body) for page in pages] == [page_body("/a"), page_body("/b")]


@pytest.mark.parametrize("encoding", ["br", "gzip", "zstd", "deflate", "sdch"])
def test_a_body_that_cannot_be_decoded_costs_no_other(tmp_path: Path, encoding: str) -> None:
    warc = Warc()
    warc.answer("/a", b"\xf7\xf8 no packed data", headers=(("Content-Encoding", encoding),))
    warc.answer("/b")
    found = found_in(tmp_path, warc.data)
    assert paths_of(found) == ["/b"]
    assert [one.reason for one in found if isinstance(one, FileRefused)] == ["broken_record"]


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [("br", brotli.compress), ("zstd", zstandard.compress), ("deflate", zlib.compress)],
)
def test_a_bomb_is_refused(tmp_path: Path, encoding: str, pack: Callable[[bytes], bytes]) -> None:
    warc = Warc()
    warc.answer("/a", pack(bytes(30 * LIMIT)), headers=(("Content-Encoding", encoding),))
    warc.answer("/b")
    found = found_in(tmp_path, warc.data)
    assert paths_of(found) == ["/b"]
    assert [one.reason for one in found if isinstance(one, FileRefused)] == ["too_large"]


def test_the_canonical_link_names_the_document_within_its_own_domain(tmp_path: Path) -> None:
    warc = Warc()
    for path, canonical in (("/a?ref=x", f"{HOST}/a"), ("/b", "http://elsewhere.example/b")):
        body = f'<html><head><link rel="canonical" href="{canonical}"></head>x</html>'.encode()
        warc.answer(path, body)
    pages = [one for one in found_in(tmp_path, warc.data) if isinstance(one, Page)]
    assert [page.url_canonical for page in pages] == [f"{HOST}/a", f"{HOST}/b"]


def test_a_file_compressed_as_a_whole_is_read_too(tmp_path: Path) -> None:
    warc = Warc(is_packed=False)
    for path in ("/a", "/b"):
        warc.answer(path)
    assert paths_of(found_in(tmp_path, gzip.compress(warc.data))) == ["/a", "/b"]


@pytest.mark.parametrize("is_packed", [True, False])
def test_a_damaged_record_costs_no_other(tmp_path: Path, is_packed: bool) -> None:
    warc = Warc(is_packed=is_packed)
    for path in ("/a", "/b", "/c", "/d"):
        warc.answer(path)
    data = bytearray(warc.data)
    begin, end = warc.starts[1], warc.starts[2]
    middle = (begin + end) // 2
    data[middle : middle + 60] = b""  # bytes are lost: lengths and check sums are wrong
    found = found_in(tmp_path, bytes(data), "crawl.warc.gz" if is_packed else "crawl.warc")
    assert paths_of(found) == ["/a", "/c", "/d"]
    assert {one.reason for one in found if isinstance(one, FileRefused)} == {"broken_record"}


def test_the_complete_records_of_a_truncated_file_are_read(tmp_path: Path) -> None:
    warc = Warc()
    for path in ("/a", "/b"):
        warc.answer(path)
    found = found_in(tmp_path, warc.data[: warc.starts[1] + 100])
    assert paths_of(found) == ["/a"]
    assert [one.reason for one in found if isinstance(one, FileRefused)] == ["broken_record"]


@pytest.mark.parametrize("is_packed", [True, False])
def test_a_record_over_the_bound_is_refused_and_the_next_is_read(
    tmp_path: Path, is_packed: bool
) -> None:
    warc = Warc(is_packed=is_packed)
    warc.answer("/huge", b"<html>" + b" " * 3_000_000)
    warc.answer("/large", gzip.compress(bytes(300_000)), headers=(("Content-Encoding", "gzip"),))
    warc.answer("/b")
    found = found_in(tmp_path, warc.data, "crawl.warc.gz" if is_packed else "crawl.warc")
    assert paths_of(found) == ["/b"]
    reasons = [one.reason for one in found if isinstance(one, FileRefused)]
    assert reasons == ["too_large", "too_large"]


def test_each_refusal_has_an_id_of_its_own_that_stays(tmp_path: Path) -> None:
    warc = Warc(is_packed=False)
    warc.answer("/a")
    data = b"no record\n" + warc.data + b"junk\n" + warc.data
    ids = [one.id for one in found_in(tmp_path, data) if isinstance(one, FileRefused)]
    assert len(set(ids)) == 2
    assert ids == [one.id for one in found_in(tmp_path, data) if isinstance(one, FileRefused)]


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    (found,) = pages_of_warc(str(tmp_path / "none.warc"), NOW, LIMIT)
    assert isinstance(found, FileRefused)
    assert found.reason == "unreadable"


SAYS_ARTICLE = b'<meta property="og:type" content="article">'
SAYS_WEBSITE = b"<meta content='website' property='og:type'>"


@pytest.mark.parametrize(
    ("path", "head", "is_one"),
    [
        ("/tag/lamps", b"", True),
        ("/author/odile-farrant/", b"", True),
        ("/news/category/harbour", b"", True),
        ("/search?q=lamps", b"", True),
        ("/harbour/page/3/", b"", True),
        ("/harbour", SAYS_WEBSITE, True),
        ("/harbour", b"", False),
        ("/tag/lamps", SAYS_ARTICLE, False),
        ("/tag/lamps", b'{"@context": "x", "@type": ["NewsArticle"]}', False),
        ("/tag/the-lamps-along-the-quay", b"", False),
        ("/2026/lamps", SAYS_WEBSITE, False),
        ("/lamps-2026", SAYS_WEBSITE, False),
        ("/harbour/pages/3", b"", False),
    ],
)
def test_pages_that_list_articles_are_skipped(
    tmp_path: Path, path: str, head: bytes, is_one: bool
) -> None:
    warc = Warc()
    warc.answer(path, b"<html><head>" + head + b"</head><body><p>Lamps.")
    (found,) = found_in(tmp_path, warc.data)
    assert (found == Skipped("listing_page")) is is_one


def test_warc_files_are_recognised_by_name() -> None:
    assert is_warc("/in/CC-NEWS-1.WARC.GZ")
    assert is_warc("a.warc")
    assert not is_warc("a.html")


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32), is_packed=st.booleans())
def test_any_damage_ends_and_what_is_given_is_no_larger_than_allowed(
    seed: int, is_packed: bool
) -> None:
    draw = random.Random(seed)
    warc = Warc(is_packed=is_packed)
    for number in range(5):
        warc.answer(f"/{number}")
    data = bytearray(warc.data)
    for _ in range(draw.randrange(1, 12)):
        at = draw.randrange(len(data))
        if draw.random() < 0.5:
            data[at] = draw.randrange(256)
        else:
            del data[at : at + draw.randrange(1, 80)]
    for one in records(io.BytesIO(bytes(data)), LIMIT):
        if isinstance(one, bytes):
            assert one.startswith(b"WARC/1.")
            assert len(one) <= LIMIT


@settings(max_examples=150, deadline=None)
@given(
    status=st.text(max_size=12),
    names=st.lists(
        st.tuples(
            st.sampled_from(
                ["Content-Encoding", "Transfer-Encoding", "Content-Type", "Content-Length", "", "X"]
            ),
            st.sampled_from(
                ["gzip", "br", "chunked", "text/html", "-1", "", "a" * 9000, "gzip, br"]
            ),
        ),
        max_size=4,
    ),
    body=st.binary(max_size=300),
)
def test_no_answer_whatever_it_says_of_itself_stops_the_file(
    tmp_path_factory: pytest.TempPathFactory,
    status: str,
    names: list[tuple[str, str]],
    body: bytes,
) -> None:
    warc = Warc()
    warc.answer("/a")
    warc.answer("/b", body, status=status, headers=tuple(names))
    warc.answer("/c")
    found = found_in(tmp_path_factory.mktemp("warc"), warc.data)
    paths = paths_of(found)
    assert (paths[0], paths[-1]) == ("/a", "/c")
