"""An article on three pages and one that its feed links as an AMP page become a document each."""

from __future__ import annotations

from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator

from ingest.identity import document_id_of_url
from ingest.sources.documents.archived_pages import archive_files
from tests.http_site import Answer, HttpSite
from tests.scenarios.harness import Installation

pytestmark = pytest.mark.slow

HOST = "tolmouth-echo.example"
LONG = f"http://{HOST}/2026/the-ferry-dispute"
SHORT = f"http://{HOST}/2026/the-clock-tower"
_PEOPLE = ("Odile Farrant", "Hamish Torvald", "Ingrid Vasilenko")
_WORDS = (
    "said on Tuesday that the ferry across the Tol would stop at dusk until the new pilots have "
    "learnt the channel, and that nobody who lives on the far bank had been asked about it."
)


def paragraphs(name: str) -> str:
    return "".join(f"<p>{name} {_WORDS} {count} {_WORDS}</p>" for count in ("First,", "Then,"))


def page(title: str, text: str, head: str = "", tag: str = "<html lang=en>") -> Answer:
    return Answer(
        body=(
            f"<!doctype html>{tag}<head><title>{title}</title>{head}</head><body><article>"
            f"<h1>{title}</h1>{text}</article></body></html>"
        ).encode()
    )


def published(site: HttpSite) -> None:
    items = "".join(
        f"<item><title>{title}</title><link>{url}</link><guid>{url}</guid></item>"
        for title, url in (("The ferry dispute", LONG), ("The clock tower", f"{SHORT}/amp"))
    )
    feed = f"<rss version='2.0'><channel><title>Tolmouth Echo</title>{items}</channel></rss>"
    site.serve(HOST, "/feed.xml", Answer(body=feed.encode()))
    for number, name in enumerate(_PEOPLE, 1):
        following = f"<link rel=next href='{LONG}?page={number + 1}'>" if number < 3 else ""
        path = "/2026/the-ferry-dispute" + (f"?page={number}" if number > 1 else "")
        count = f"<p>Page {number} of 3</p>"
        site.serve(HOST, path, page("The ferry dispute", count + paragraphs(name), following))
    canonical = f"<link rel=canonical href='{SHORT}'>"
    short = page("The clock tower", paragraphs("In short, nobody"), canonical, "<html amp>")
    site.serve(HOST, "/2026/the-clock-tower/amp", short)
    site.serve(
        HOST, "/2026/the-clock-tower", page("The clock tower", paragraphs("In full, nobody"))
    )


def test_from_the_feed_to_the_search_and_from_the_archive_again(tmp_path: Path) -> None:
    with HttpSite() as site:
        published(site)
        with Installation(tmp_path, hosts=site.hosts("*.example")) as installation:
            installation.set_feeds([f"http://{HOST}/feed.xml"])
            tree = installation.start()
            installation.wait_for(searchable=2)
            _assert_documents(installation)
            assert tree.stop() == 0
            (path,) = archive_files(tmp_path / "var" / "archive")
            with path.open("rb") as file:
                addresses = {
                    record.rec_headers.get_header("WARC-Target-URI")
                    for record in ArchiveIterator(file, check_digests="raise")
                    if record.rec_type == "response"
                }
            assert addresses == {LONG, f"{LONG}?page=2", f"{LONG}?page=3", SHORT}
        with Installation(tmp_path / "other", hosts={}) as other:
            done = other.command("ingest", str(path), "--wait", "--json").json()
            assert done["outcomes"] == {"searchable": 2, "passed_over: not_a_page": 1}
            _assert_documents(other)


def _assert_documents(installation: Installation) -> None:
    found = {document.id: document for document in installation.found()}
    long = found[document_id_of_url(LONG)]
    assert [long.text.count(f"{name} said") for name in _PEOPLE] == [2, 2, 2]
    assert [long.text.index(name) for name in _PEOPLE] == sorted(map(long.text.index, _PEOPLE))
    assert "of 3" not in long.text.partition("\n\n")[2]
    assert (long.page.part_count, long.page.parts_missing_reason) == (3, "")
    short = found[document_id_of_url(SHORT)]
    assert "In full" in short.text
    assert short.url_canonical == SHORT
    assert short.url_published == f"{SHORT}/amp"
    assert len(installation.titles('person:"Ingrid Vasilenko"')) == 1
