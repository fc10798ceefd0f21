"""A reduced document has the same entries as the whole one."""

from __future__ import annotations

import msgspec
import pytest

from ingest.errors import SourceError
from ingest.ports import KnownItems, ParsedFeed
from ingest.sources.feeds.decode_feed import decode_feed
from ingest.sources.feeds.feed_items import items_of
from ingest.sources.feeds.parse_feed import parse_feed
from tests.contracts.sources.source_documents import DOCUMENTS, URL
from tests.contracts.sources.test_translator_set import CASES

RSS_ITEM = (
    "<item><title>Bridge {n} opens</title><link>http://elsin-courier.example/b/{n}</link>"
    "<guid>bridge-{n}</guid><pubDate>Mon, 0{n} Jun 2026 09:00:00 GMT</pubDate>"
    "<description>&lt;p&gt;All of bridge {n}.&lt;/p&gt;</description></item>"
)
ATOM_ENTRY = (
    "<entry><title>Bridge {n} opens</title><id>urn:bridge:{n}</id>"
    '<link href="/b/{n}"/><updated>2026-06-0{n}T09:00:00Z</updated>'
    '<content type="html">&lt;p&gt;All of bridge {n}.&lt;/p&gt;</content></entry>'
)
RSS = (
    '<?xml version="1.0"?>\n<rss version="2.0"><channel><title>Elsin Courier</title>'
    "<link>http://elsin-courier.example/</link><ttl>30</ttl><!-- the newest first -->\n"
    + "\n".join(RSS_ITEM.format(n=n) for n in range(1, 7))
    + "\n</channel></rss>"
)
ATOM = (
    '<feed xmlns="http://www.w3.org/2005/Atom" xml:base="http://elsin-courier.example/x/">'
    "<title>Elsin Courier</title><author><name>A. Lind</name></author>\n"
    + "\n".join(ATOM_ENTRY.format(n=n) for n in range(1, 7))
    + "</feed>"
)
RDF = (
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
    ' xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">'
    '<channel rdf:about="http://elsin-courier.example/"><title>Elsin Courier</title></channel>'
    + "".join(
        f'<item rdf:about="http://elsin-courier.example/b/{n}"><title>Bridge {n}</title>'
        f"<link>http://elsin-courier.example/b/{n}</link>"
        f"<dc:date>2026-06-0{n}T09:00:00Z</dc:date></item>"
        for n in range(1, 7)
    )
    + "</rdf:RDF>"
)
OURS = {"RSS": RSS, "Atom": ATOM, "RDF": RDF}


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("fresh", [(), (0,), (5,), (1, 3)], ids=str)
def test_only_the_fresh_entries_of_a_plain_document_are_parsed(
    name: str, fresh: tuple[int, ...]
) -> None:
    body = OURS[name].encode()
    whole = parse_feed(body, URL)
    reduced = parse_feed(body, URL, "", known_but(whole, fresh))
    assert reduced.entries == tuple(whole.entries[number] for number in fresh)
    assert len(reduced.known) == 6 - len(fresh)
    same_but_entries(whole, reduced)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("<channel>", "<channel><item><title>Off</title></item>"), "an entry before the rest"),
        (("</channel>", "<language>en</language></channel>"), "an element after the entries"),
        (("<guid>bridge-4</guid>", ""), "a fresh entry without a name"),
        (("<guid>bridge-4</guid>", "<guid>bridge-3</guid>"), "two fresh entries of one name"),
        (("Mon, 04 Jun 2026 09:00:00 GMT", ""), "a fresh entry without a date"),
        (("<title>Elsin Courier</title>", "<title>Elsin</b> Courier</title>"), "not well-formed"),
        (("<ttl>30</ttl>", "<author>B. Holt</author>"), "another author of all"),
        (("<channel>", '<channel xml:base="http://elsin.example/">'), "another base of all"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_anything_unusual_is_read_whole(change: tuple[str, str], why: str) -> None:
    known = known_but(parse_feed(RSS.encode(), URL), (2, 3))
    body = RSS.replace(*change).encode()
    assert body != RSS.encode()
    found = parse_feed(body, URL, "", known)
    assert found == parse_feed(body, URL), why
    assert len(found.entries) >= 6


def test_another_address_makes_links_new() -> None:
    known = known_but(parse_feed(ATOM.encode(), URL), (0,))
    assert not parse_feed(ATOM.encode(), "http://other.example/feed", "", known).known


def corpus() -> list[tuple[str, bytes]]:
    """Return documents of all kinds, each also with neighbours for its entries."""
    found = [(f"{name} {number}", text.encode()) for number, (name, text) in enumerate(DOCUMENTS)]
    found += [(name, path.read_bytes()) for name, path, _ in CASES]
    return found + [(f"{name} +", made) for name, body in found if (made := neighboured(body))]


def neighboured(body: bytes) -> bytes | None:
    """Return the document with five plain entries before its own; None when it is not plain."""
    try:
        document = decode_feed(body).text.encode()
    except SourceError:
        return None
    items = items_of(document)
    if items is None:
        return None
    at = items.spans[0][0]
    item = ATOM_ENTRY if document[at:].startswith(b"<entry") else RSS_ITEM
    plain = "".join(item.format(n=n) for n in range(1, 6))
    return document[:at] + plain.encode() + document[at:]


CORPUS = corpus()


@pytest.mark.parametrize(("name", "body"), CORPUS, ids=[name[:50] for name, _ in CORPUS])
def test_a_reduced_document_has_the_same_entries(name: str, body: bytes) -> None:
    try:
        whole = parse_feed(body, URL)
    except SourceError:
        return
    count = len(whole.entries)
    for fresh in [
        (),
        (0,),
        (count - 1,),
        tuple(range(count // 2)),
        tuple(range(count // 2, count)),
    ]:
        reduced = parse_feed(body, URL, "", known_but(whole, fresh))
        if not reduced.known:
            assert reduced == whole
            continue
        assert reduced.entries == tuple(whole.entries[number] for number in fresh)
        same_but_entries(whole, reduced)


def test_many_documents_of_the_corpus_can_be_reduced() -> None:
    plain = [name for name, body in CORPUS if name.endswith("+") and parse_feed(body, URL).context]
    assert len(plain) >= max(4, len(CORPUS) // 4)


def known_but(whole: ParsedFeed, fresh: tuple[int, ...]) -> KnownItems:
    """Return all entries as known but these."""
    hashes = [entry.source_hash for entry in whole.entries]
    kept = {one for number, one in enumerate(hashes) if number not in fresh and one}
    return KnownItems(whole.context, frozenset(kept))


def same_but_entries(whole: ParsedFeed, reduced: ParsedFeed) -> None:
    known = {entry.source_hash for entry in whole.entries} - {
        entry.source_hash for entry in reduced.entries
    }
    assert set(reduced.known) == known
    assert msgspec.structs.replace(reduced, entries=(), known=()) == msgspec.structs.replace(
        whole, entries=(), known=()
    )
