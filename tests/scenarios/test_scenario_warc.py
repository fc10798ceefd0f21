"""A WARC file from disk to a search, twice."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tests.scenarios.harness import Installation

pytestmark = pytest.mark.slow

_TEXT = (
    "<p>The harbour board of Tolmouth met {name} on Tuesday and agreed that the old crane stays "
    "where it is until the spring, when the new one is said to arrive by barge.</p>"
)


def record(path: str, name: str) -> bytes:
    page = (
        f"<!doctype html><html lang=en><head><title>{name} and the crane</title></head><body>"
        f"<article><h1>{name} and the crane</h1>{_TEXT.format(name=name) * 3}</article></body>"
    )
    block = f"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{page}"
    head = (
        "WARC/1.0\r\nWARC-Type: response\r\nWARC-Date: 2026-02-03T10:00:00Z\r\n"
        f"WARC-Target-URI: http://tolmouth-echo.example{path}\r\n"
        f"Content-Length: {len(block.encode())}\r\n\r\n"
    )
    return gzip.compress(f"{head}{block}\r\n\r\n".encode())


def test_the_pages_of_a_warc_file_are_searchable_once(tmp_path: Path) -> None:
    broken = bytearray(record("/broken", "Nobody Knows"))
    broken[40:60] = bytes(20)
    crawl = tmp_path / "crawl.warc.gz"
    crawl.write_bytes(record("/a", "Odile Farrant") + broken + record("/b", "Hamish Torvald"))
    with Installation(tmp_path, hosts={}) as installation:
        first = installation.command("ingest", str(crawl), "--wait", "--json", code=1).json()
        assert first["outcomes"] == {"searchable": 2, "refused: broken_record": 1}
        again = installation.command("ingest", str(crawl), "--wait", "--json", code=1).json()
        assert again["outcomes"] == {"known": 2, "refused: broken_record": 1}
        (hit,) = installation.search('person:"Odile Farrant"')["hits"]
        assert hit["url"] == "http://tolmouth-echo.example/a"
        assert hit["first_seen_at"].startswith("2026-02-03T10:00:00")
