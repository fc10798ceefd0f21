"""Ids, URL values and domains."""

from datetime import UTC, datetime, timedelta

import ada_url
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest import identity
from ingest.tracking_parameters import BY_SITE, EVERYWHERE

PIECES = st.sampled_from(
    [
        "a=1",
        "utm_source=x",
        "CMP=s",
        "b=%2F",
        "",
        "a",
        "fbclid=%C3",
        "?x=1",
        "c=1;d=2",
        "ü=ß",
        "id=5",
    ]
)
HOSTS = st.sampled_from(
    [
        "a.example",
        "WWW.B.Example",
        "m.news.co.uk",
        "münchen.example",
        "127.0.0.1",
        "[::1]",
        "x.github.io",
    ]
)
URLS = st.builds(
    lambda scheme, host, path, query, fragment: f"{scheme}://{host}/{path}{query}{fragment}",
    st.sampled_from(["http", "https", "HTTP"]),
    HOSTS,
    st.text(max_size=12),
    st.lists(PIECES, max_size=5).map(lambda pieces: "?" + "&".join(pieces) if pieces else ""),
    st.sampled_from(["", "#", "#top", "#!/a", "#/b?utm_source=x"]),
)


@given(st.one_of(st.text(), URLS))
def test_no_text_makes_the_url_functions_raise(text: str) -> None:
    identity.canonical_url(text)
    identity.match_key(text)
    identity.registrable_domain(text)
    identity.registrable_domain(text, with_private=True)
    identity.joined("https://a.example/x", text)
    identity.joined(text, text)
    identity.request_url(text)
    identity.is_home_page(text)
    identity.same_site(text, text)


@given(URLS)
def test_the_canonical_form_of_a_canonical_form_is_itself(url: str) -> None:
    once = identity.canonical_url(url)
    assert once
    assert identity.canonical_url(once) == once


@given(URLS)
def test_the_canonical_form_keeps_scheme_host_port_and_path(url: str) -> None:
    before, after = ada_url.URL(url), ada_url.URL(identity.canonical_url(url))
    assert (before.protocol, before.host, before.pathname) == (
        after.protocol,
        after.host,
        after.pathname,
    )


@given(URLS)
def test_the_match_key_is_the_same_for_a_url_and_its_canonical_form(url: str) -> None:
    assert identity.match_key(url) == identity.match_key(identity.canonical_url(url)) != ""


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("https://a.example/x?utm_source=f&id=5", "https://a.example/x?id=5"),
        ("https://a.example/x?id=5&utm_source=f&b=2", "https://a.example/x?id=5&b=2"),
        ("https://a.example/x?UTM_Medium=f", "https://a.example/x"),
        ("https://a.example/x?utm%5Fmedium=f", "https://a.example/x"),
        ("https://a.example/x?", "https://a.example/x"),
        ("https://a.example/x?cid=5&source=7&ref=k", "https://a.example/x?cid=5&source=7&ref=k"),
        ("https://a.example/x?q=%2f+a;b", "https://a.example/x?q=%2f+a;b"),
        ("https://a.example/x??a=1", "https://a.example/x??a=1"),
        ("https://a.example/x#part", "https://a.example/x"),
        ("https://a.example/#!/x", "https://a.example/#!/x"),
        ("https://a.example/#/x", "https://a.example/#/x"),
        ("https://user:secret@a.example/x", "https://a.example/x"),
        ("  HTTP://A.Example:80/a/../b \n", "http://a.example/b"),
        ("https://edition.cnn.com/x?cid=n", "https://edition.cnn.com/x"),
        ("ftp://a.example/x", ""),
        ("javascript:alert(1)", ""),
        ("/x", ""),
        ("", ""),
    ],
)
def test_the_canonical_form_follows_the_rules(url: str, canonical: str) -> None:
    assert identity.canonical_url(url) == canonical


def test_an_operator_can_name_more_tracking_parameters() -> None:
    url = "https://a.example/x?ref=home&kk_a=1&id=5"
    assert identity.canonical_url(url, ("ref", "kk_*")) == "https://a.example/x?id=5"


@pytest.mark.parametrize(
    "other",
    [
        "http://a.example/x?b=2&a=1",
        "https://www.a.example/x/?a=1&b=2",
        "https://m.a.example/x?a=1&b=2&utm_source=f",
        "https://amp.a.example/x/amp/?a=1&b=2",
        "https://a.example/amp/x?a=1&b=2&amp=1",
        "https://a.example/x.amp.html?a=1&b=2",
    ],
)
def test_forms_of_one_article_share_a_match_key(other: str) -> None:
    assert identity.match_key(other) == identity.match_key("https://a.example/x?a=1&b=2")


@given(st.one_of(st.text(), URLS))
@example("https://www.a.example:8080/x/amp/")
@example("http://[::1]:80/x")
@example("HTTP://M.A.Example./b/../x.amp")
@example("//a.example/x")
def test_a_query_that_says_nothing_changes_no_match_key(url: str) -> None:
    # A URL without query, fragment and credentials is matched in a quicker way.
    url = url.strip("".join(map(chr, range(33))))  # what is trimmed at an end is not in the middle
    if "?" not in url and "#" not in url:
        assert identity.match_key(f"{url}?amp=1") == identity.match_key(url)


def test_a_host_that_is_only_called_m_keeps_its_name() -> None:
    assert identity.match_key("https://m.example/x") == "m.example/x"


@pytest.mark.parametrize(
    ("text", "icann", "private"),
    [
        ("https://www.news.co.uk/x", "news.co.uk", "news.co.uk"),
        ("a.blogspot.com", "blogspot.com", "a.blogspot.com"),
        ("https://deep.pages.github.io:8443/", "github.io", "pages.github.io"),
        ("http://www.harbour-times.example", "harbour-times.example", "harbour-times.example"),
        ("localhost:8080", "localhost", "localhost"),
        ("http://127.0.0.1:80/x", "127.0.0.1", "127.0.0.1"),
        ("http://0x7f.1/", "127.0.0.1", "127.0.0.1"),
        ("http://[2001:db8::1]/", "2001:db8::1", "2001:db8::1"),
        ("::1", "::1", "::1"),
        ("co.uk", "co.uk", "co.uk"),
        ("News.Example.", "news.example", "news.example"),
        ("bücher.de", "xn--bcher-kva.de", "xn--bcher-kva.de"),
        ("no host", "", ""),
    ],
)
def test_the_registrable_domain_has_two_readings(text: str, icann: str, private: str) -> None:
    assert identity.registrable_domain(text) == icann
    assert identity.registrable_domain(text, with_private=True) == private


def test_two_blogs_of_one_platform_are_not_one_site() -> None:
    assert not identity.same_site("https://a.blogspot.com/", "https://b.blogspot.com/")
    assert identity.same_site("https://www.a.example/x", "http://feeds.a.example/y")
    assert not identity.same_site("", "")


@pytest.mark.parametrize(
    ("link", "result"),
    [
        (" https://B.example/Q?x#y ", "https://B.example/Q?x#y"),
        ("../z", "https://a.example/z"),
        ("//c.example/k", "https://c.example/k"),
        ("?p=1", "https://a.example/x/y?p=1"),
        ("https://me:pw@b.example/", "https://b.example/"),
        ("ht\ntps://b.example/", "https://b.example/"),
        ("data:text/plain,x", ""),
        ("file:///etc/passwd", ""),
    ],
)
def test_links_are_joined_and_otherwise_unchanged(link: str, result: str) -> None:
    assert identity.joined("https://a.example/x/y", link) == result


@given(
    st.sampled_from(["https://a.example/x/y", "http://B.example", "https://u:p@c.example/", "", "x"]),
    st.lists(
        st.one_of(
            st.sampled_from(["/", "//", "..", "?", "#", "http://", "https://", "HTTP:", "@", "%", "[", "\n", "b.example", ":8x"]),
            st.text(max_size=6),
        ),
        max_size=6,
    ).map("".join),
)  # fmt: skip
def test_a_link_leads_where_a_browser_would_go(base: str, link: str) -> None:
    found = identity.joined(base, link)
    try:
        wanted = ada_url.URL(link, base) if ada_url.check_url(base) else ada_url.URL(link)
    except ValueError:
        assert found == ""
        return
    if wanted.protocol not in ("http:", "https:"):
        assert found == ""
        return
    wanted.username = wanted.password = ""
    assert ada_url.URL(found).href == wanted.href


def test_a_relative_link_without_a_base_is_not_a_url() -> None:
    assert identity.joined("", "x/y") == ""


def test_a_home_page_has_neither_path_nor_query() -> None:
    assert identity.is_home_page("https://a.example?utm_source=x#top")
    assert not identity.is_home_page("https://a.example/?p=5")
    assert not identity.is_home_page("https://a.example/news")


def test_ids_have_their_lengths_and_depend_on_each_part() -> None:
    assert len(identity.entry_id("f", "k")) == 32
    assert identity.entry_id("f", "k") != identity.entry_id("fk", "")
    assert len(identity.feed_id_of_url("https://a.example/feed")) == 12
    assert len(identity.document_id_of_url("https://a.example/x")) == 32
    assert len(identity.document_id_of_content(b"text")) == 32
    assert identity.entry_id("f", "\udc80") != identity.entry_id("f", "?")


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
    st.integers(0, 5000),
)
def test_a_later_fetch_beats_every_replay_of_an_earlier_one(at: datetime, generation: int) -> None:
    later = at + timedelta(milliseconds=1)
    assert identity.version_of(at, generation) < identity.version_of(later)
    assert identity.version_of(at, 1) > identity.version_of(at)
    assert identity.version_of(later, 999) < 2**63


def test_every_tracking_parameter_is_lower_case_and_has_its_reason() -> None:
    tables = [EVERYWHERE, *BY_SITE.values()]
    assert all(
        name == name.lower() and reason for table in tables for name, reason in table.items()
    )
    assert len(EVERYWHERE) >= 80
    assert not {"cid", "source", "ref", "id"} & set(EVERYWHERE)
    assert all(identity.registrable_domain(site) == site for site in BY_SITE)


def test_a_replay_is_a_generation_above_what_it_repeats_and_what_is_known_of_that_fetch() -> None:
    fetch = identity.version_of(datetime(2026, 11, 20, 12, tzinfo=UTC))
    assert identity.raised(fetch) == fetch + 1
    assert identity.raised(fetch + 1, known=fetch + 4) == fetch + 5
    assert identity.raised(fetch + 4, known=fetch + 1) == fetch + 5
    assert identity.raised(fetch, known=fetch) == fetch + 1
    another = identity.version_of(datetime(2026, 11, 20, 13, tzinfo=UTC), 7)
    assert identity.raised(fetch + 1, known=another) == fetch + 2
    assert identity.raised(fetch + 998) == fetch + 999
    assert identity.raised(fetch + 999) == fetch + 999
    assert identity.generation_of(fetch + 999) == 999
    assert identity.generation_of(fetch) == 0
