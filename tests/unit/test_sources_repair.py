"""Feeds as sites send them: junk, bare ampersands, ids, authors and links in odd places."""

from __future__ import annotations

import time

import pytest

from ingest.errors import SourceError
from ingest.ports import ParsedFeed, SourceEntry
from ingest.sources.feeds.decode_feed import decode_feed
from ingest.sources.feeds.parse_feed import parse_feed
from ingest.sources.feeds.repair_markup import resolve_declared_entities
from ingest.sources.feeds.rss_entry import MAX_TITLE_CHARACTERS, plain_title

URL = "https://elsin-courier.example/feeds/all"
ITEM = "<title>Bridge reopens</title><link>https://elsin-courier.example/a/1</link>"
NAMESPACES = (
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:media="http://search.yahoo.com/mrss/" '
    'xmlns:googleplay="http://www.google.com/schemas/play-podcasts/1.0" '
    'xmlns:prism="http://prismstandard.org/namespaces/basic/2.0/" '
    'xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"'
)


def rss(item: str = ITEM, channel: str = "") -> str:
    return (
        f'<rss version="2.0" {NAMESPACES}><channel><title>Elsin Courier</title>{channel}'
        f"<item>{item}</item></channel></rss>"
    )


def atom(entry: str, feed: str = "") -> str:
    return (
        f'<feed xmlns="http://www.w3.org/2005/Atom"><title>Elsin Courier</title>{feed}'
        f"<entry>{entry}</entry></feed>"
    )


def parsed(text: str | bytes) -> ParsedFeed:
    return parse_feed(text if isinstance(text, bytes) else text.encode(), URL)


def only(text: str) -> SourceEntry:
    (entry,) = parsed(text).entries
    return entry


@pytest.mark.parametrize(
    ("before", "after", "oddities"),
    [
        ("\n\n  <!-- cached -->\n<?xml version='1.0'?>", "", {}),
        ("<?xml version='1.0'?><?xml version='1.0'?>", "\n<!-- made in 3 ms -->\n", {}),
        ("<?xml version='1.0'?><!DOCTYPE rss SYSTEM 'x.dtd'>", "", {}),
        ("<br />\n<b>Warning</b>: no cache in <b>feed.php</b>\n", "", {"junk_before": 1}),
        ("Warning: no cache in feed.php\n", "", {"junk_before": 1}),
        ("", "\n<script>track()</script>", {"junk_after": 1}),
        ("<html><body><pre>", "</pre></body></html>", {"junk_before": 1, "junk_after": 1}),
    ],
)
def test_junk_around_a_feed_is_removed(before: str, after: str, oddities: dict[str, int]) -> None:
    found = parsed(f"{before}{rss()}{after}")
    assert [entry.title for entry in found.entries] == ["Bridge reopens"]
    assert found.oddities == oddities


def test_a_page_without_a_feed_is_not_a_feed() -> None:
    page = (
        "<html><body><p>Our &lt;rss version='2.0'&gt; is gone, see <b>feed</b> </p></body></html>"
    )
    with pytest.raises(SourceError) as caught:
        parsed(page)
    assert caught.value.kind == "not_a_feed"


def test_a_missing_last_character_is_not_a_truncation() -> None:
    found = parsed(rss()[:-1])
    assert len(found.entries) == 1
    assert "document_cut" not in found.oddities


@pytest.mark.parametrize("end", ["</item>", "</channel></rs", "<item><title>Next"])
def test_a_truncated_feed_has_an_oddity(end: str) -> None:
    whole = rss()
    cut = whole[: whole.index("</item>")] + end
    found = parsed(cut)
    assert found.entries[0].title == "Bridge reopens"
    assert found.oddities["document_cut"] == 1


def test_ampersands_and_html_names_change_nothing_else() -> None:
    entry = only(
        rss(
            "<title>AT&T & Caf&eacute; &ndash; R&D &nobody;</title>"
            "<link>https://elsin-courier.example/?a=1&copy=2</link>"
            "<description><![CDATA[<p>Q&A &eacute;</p>]]></description>"
        )
    )
    assert entry.title == "AT&T & Café – R&D &nobody;"
    assert entry.link == "https://elsin-courier.example/?a=1&copy=2"
    assert entry.summary == "<p>Q&A &eacute;</p>"


def test_an_address_in_a_sitemap_keeps_its_parameters() -> None:
    news = "http://www.google.com/schemas/sitemap-news/0.9"
    document = (
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:n="{news}"><url>'
        "<loc>https://elsin-courier.example/?a=1&b=2</loc>"
        "<n:news><n:title>Q&A &ndash; rain</n:title></n:news></url></urlset>"
    )
    entry = only(document)
    assert (entry.link, entry.title) == ("https://elsin-courier.example/?a=1&b=2", "Q&A – rain")


def test_fixes_are_counted() -> None:
    assert parsed(rss("<title>AT&T&nbsp;& Co</title>")).oddities == {
        "bare_ampersands": 2,
        "html_entities": 1,
    }


# ── entities of its own ──────────────────────────────────────────────────────────────────


def declaring(*declarations: str, title: str = "&pub; today") -> str:
    prolog = f"<?xml version='1.0'?>\n<!DOCTYPE rss [\n{''.join(declarations)}\n]>\n"
    return prolog + rss(f"<title>{title}</title>")


def test_entities_of_plain_text_are_replaced() -> None:
    document = declaring(
        '<!ENTITY pub "Courier &#38; Co">', "<!ENTITY shy '&#173;'>", title="&pub; to&shy;day"
    )
    assert only(document).title == "Courier & Co to\u00adday"


@pytest.mark.parametrize(
    "declarations",
    [
        ('<!ENTITY pub "&other;">', '<!ENTITY other "x">'),
        ('<!ENTITY pub "<b>x</b>">',),
        ('<!ENTITY pub SYSTEM "file:///etc/hostname">',),
        ('<!ENTITY % pub "x">',),
        (f'<!ENTITY pub "{"x" * 501}">',),
    ],
)
def test_entities_of_anything_else_are_refused(declarations: tuple[str, ...]) -> None:
    with pytest.raises(SourceError) as caught:
        parsed(declaring(*declarations))
    assert (caught.value.kind, caught.value.value) == ("parse_failed", "entity_declared")


def test_plain_entities_may_not_blow_a_document_up() -> None:
    value = "x" * 400
    document = declaring(f'<!ENTITY pub "{value}">', title="&pub;" * 3_000)
    started = time.perf_counter()
    with pytest.raises(SourceError):
        resolve_declared_entities(document)
    assert time.perf_counter() - started < 1


def test_a_second_document_type_hides_nothing() -> None:
    inner = '<!DOCTYPE rss [<!ENTITY a "&b;&b;"><!ENTITY b "ha">]>'
    with pytest.raises(SourceError):
        parsed('<!DOCTYPE rss [<!ENTITY pub "x">]>' + inner + rss("<title>&a;</title>"))


# ── ids, links, authors, titles ──────────────────────────────────────────────────────────


@pytest.mark.parametrize("id", ["t3_x1", "/a/1", "HTTP://Elsin-Courier.example/A", "urn:x:1"])
def test_an_id_stays_as_it_is_written(id: str) -> None:
    assert only(atom(f"<id>{id}</id><title>a</title><link href='/a/1'/>")).guid == id
    assert only(rss(f"{ITEM}<guid>{id}</guid>")).guid == id


@pytest.mark.parametrize(
    ("links", "expected"),
    [
        ("<link rel='replies' href='/c'/><link rel='alternate' href='/a'/>", "/a"),
        ("<link type='application/json' href='/j'/><link type='text/html' href='/a'/>", "/a"),
        ("<link type='application/json' href='/j'/>", "/j"),
        ("<link rel='http://www.iana.org/assignments/relation/alternate' href='/a'/>", "/a"),
        ("<link rel='enclosure' href='/m.mp3'/>", ""),
    ],
)
def test_the_link_to_the_page_is_chosen(links: str, expected: str) -> None:
    link = only(atom(f"<id>1</id><title>a</title>{links}")).link
    assert link == (f"https://elsin-courier.example{expected}" if expected else "")


@pytest.mark.parametrize(
    ("item", "authors"),
    [
        ("<author>jon@harbour.example (Jon Vale)</author>", ("Jon Vale",)),
        ("<author>Jon Vale &lt;jon@harbour.museum&gt;</author>", ("Jon Vale",)),
        ("<author>jon@harbour.museum</author>", ("jon@harbour.museum",)),
        ("<author>jon@harbour.info (Jon Vale)</author>", ("Jon Vale",)),
        (
            "<dc:creator>Mira Dahlke</dc:creator><dc:creator>Jon</dc:creator>",
            ("Mira Dahlke", "Jon"),
        ),
        ("<dc:creator><![CDATA[ Mira &amp; Jon ]]></dc:creator>", ("Mira & Jon",)),
        ("<googleplay:author>Mira Dahlke</googleplay:author>", ("Mira Dahlke",)),
        ("<media:credit role='author'>Mira</media:credit>", ("Mira",)),
        ("<media:credit role='photographer'>Mira</media:credit>", ()),
    ],
)
def test_authors_are_found_where_feeds_name_them(item: str, authors: tuple[str, ...]) -> None:
    assert only(rss(f"<title>a</title>{item}")).authors == authors


def test_an_editor_is_not_an_author_of_every_entry() -> None:
    editor = (
        "<managingEditor>desk@harbour.example (The Desk)</managingEditor>"
        "<webMaster>web@harbour.example</webMaster>"
    )
    assert only(rss(channel=editor)).authors == ()
    host = "<itunes:author>Mira Dahlke</itunes:author>"
    assert only(rss(channel=editor + host)).authors == ("Mira Dahlke",)


def test_the_author_of_an_atom_feed_is_that_of_its_entries() -> None:
    feed = "<author><name>Mira Dahlke</name></author>"
    assert only(atom("<id>1</id><title>a</title>", feed)).authors == ("Mira Dahlke",)


def test_a_date_of_publication_may_be_that_of_the_press() -> None:
    item = f"{ITEM}<prism:publicationDate>2026-11-20</prism:publicationDate>"
    assert only(rss(item)).published_raw == "2026-11-20"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('<img src="/x.png" alt="a > b">Flood', "Flood"),
        ("Flood<script>if (a < b) run()</script> ebbs", "Flood ebbs"),
        ("Flood<!-- hidden --> ebbs", "Flood ebbs"),
        ("5 < 6 and 7 > 3", "5 < 6 and 7 > 3"),
        ('It\'s <i>"here"</i> &amp; now', 'It\'s "here" & now'),
        ('<a href="x>Flood</a> ebbs', "Flood ebbs"),
    ],
)
def test_a_title_loses_its_markup_and_nothing_else(text: str, expected: str) -> None:
    assert plain_title(text, is_html=True) == expected


@pytest.mark.parametrize("piece", ["<", '<a"', "<a'\"", '<a"<b>', "<script>", "<!--", "&#"])
def test_no_title_takes_long(piece: str) -> None:
    started = time.perf_counter()
    plain_title(piece * MAX_TITLE_CHARACTERS, is_html=True)
    assert time.perf_counter() - started < 2


# ── where the parser gives up ────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "trouble",
    [
        "<georss:polygon></georss:polygon>",
        "<psc:chapters><psc:chapter title='One'/></psc:chapters>",
        "<georss:where></georss:where>",
    ],
)
def test_unused_elements_cost_no_entry(trouble: str) -> None:
    spaces = (
        'xmlns:georss="http://www.georss.org/georss" xmlns:psc="http://podlove.org/simple-chapters"'
    )
    found = parsed(rss(ITEM + trouble).replace("<rss ", f"<rss {spaces} "))
    assert [entry.title for entry in found.entries] == ["Bridge reopens"]


def test_an_entry_that_breaks_the_parser_costs_no_other() -> None:
    odd = '<x:y xmlns:x="a&#160;b&#160;c"/>'  # feedparser takes this name for four
    one, two = "<title>One</title></item><item>", "</item><item><title>Two</title>"
    found = parsed(rss(f"{one}<title>Odd</title>{odd}{two}"))
    assert [entry.title for entry in found.entries] == ["One", "Two"]
    assert found.oddities == {"entry_unreadable": 1}
    with pytest.raises(SourceError, match="parser failed"):
        parsed(rss(f"<title>Odd</title>{odd}"))


# ── charsets, JSON ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("codec", "declared", "text"),
    [
        ("cp1252", "iso-8859-1", "“Müller” – wins"),
        ("gb18030", "gb2312", "港口大桥重新开放"),
        ("cp949", "", "항구의 다리가 다시 열렸다"),
        ("cp949", "euc-kr", "항구의 다리가 다시 열렸다 똠"),
        ("cp037", "ebcdic-cp-us", "Bridge reopens"),
        ("cp500", "cp500", "Bridge reopens!"),
    ],
)
def test_a_charset_is_read_as_it_is_meant(codec: str, declared: str, text: str) -> None:
    encoding = f' encoding="{declared}"' if declared else ""
    document = f'<?xml version="1.0"{encoding}?>' + rss(f"<title>{text}</title>")
    assert parsed(document.encode(codec)).entries[0].title == text


def test_one_wrong_byte_does_not_change_the_charset() -> None:
    body = rss("<title>Müller siegt – größer</title>").encode().replace(b"siegt", b"sie\xffgt")
    decoded = decode_feed(body)
    assert (decoded.charset, decoded.oddities) == ("utf-8", {"charset_unreadable": 1})
    assert "größer" in decoded.text


def test_json_without_a_version_is_recognised_by_its_own_keys() -> None:
    found = parsed('{"items": [{"id": "1", "url": "/a/1", "content_text": "Open again."}]}')
    assert (found.format, found.entries[0].content) == ("JSON Feed", "Open again.")
    with pytest.raises(SourceError):
        parsed('{"items": [{"id": "1", "price": 3, "note": "content_text"}]}')


def test_references_in_a_title_of_json_are_undone() -> None:
    found = parsed('{"version": "1.1", "items": [{"id": "1", "title": "Fish &#8211; chips"}]}')
    assert found.entries[0].title == "Fish – chips"
