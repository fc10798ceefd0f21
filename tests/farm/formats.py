"""Cases 78–80: sitemaps, other formats, hints about time."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, timedelta

from tests.farm.case import Check, Stall, case, channel, item, sent
from tests.farm.drive import Drive
from tests.http_site import Answer, Seen

_NEWS = 'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"'
_MAP = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


def _url(host: str, name: str, *, is_news: bool = True) -> str:
    news = (
        f"<news:news><news:publication><news:name>Elsin Courier</news:name><news:language>en"
        f"</news:language></news:publication><news:publication_date>2026-11-16T07:00:00Z"
        f"</news:publication_date><news:title>The {name}</news:title></news:news>"
    )
    return f"<url><loc>http://{host}/a/{name}</loc>{news if is_news else ''}</url>"


def _sitemap(host: str, *names: str, is_news: bool = True) -> bytes:
    urls = "".join(_url(host, name, is_news=is_news) for name in names)
    return f'<?xml version="1.0"?><urlset {_MAP} {_NEWS}>{urls}</urlset>'.encode()


@case("78a", "news sitemap", does="a urlset with news elements", must="entries with title and date")
def _news_sitemap(stall: Stall) -> Check:
    stall.serve(sent(_sitemap(stall.host, "flood", "bridge")))

    def check(drive: Drive) -> None:
        drive.poll(1)
        assert drive.names == ["bridge", "flood"]
        assert sorted(drive.titles) == ["The bridge", "The flood"]
        assert all(entry.published_at is not None for entry in drive.entries)

    return check


@case(
    "78b",
    "sitemap index",
    does="an index with a plain and a packed child",
    must="both children followed",
)
def _index(stall: Stall) -> Check:
    children = "".join(
        f"<sitemap><loc>http://{stall.host}/{name}</loc><lastmod>2026-11-16</lastmod></sitemap>"
        for name in ("one.xml", "two.xml.gz")
    )
    stall.serve(
        sent(f'<?xml version="1.0"?><sitemapindex {_MAP}>{children}</sitemapindex>'.encode())
    )
    stall.serve(sent(_sitemap(stall.host, "flood")), "/one.xml")
    stall.serve(sent(gzip.compress(_sitemap(stall.host, "bridge"))), "/two.xml.gz")

    def check(drive: Drive) -> None:
        drive.poll(1)
        assert drive.names == ["bridge", "flood"]

    return check


@case("78c", "a sitemap without news", does="a urlset of bare addresses", must="refused, with why")
def _no_news(stall: Stall) -> Check:
    stall.serve(sent(_sitemap(stall.host, "flood", is_news=False)))

    def check(drive: Drive) -> None:
        state = drive.poll(1)
        assert state.last_error_class == "not_a_feed"
        assert "news" in state.last_error_text
        assert drive.entries == []

    return check


@case("78d", "RSS that names the sitemap space", does="RSS with xmlns:news", must="read as RSS")
def _rss_with_space(stall: Stall) -> Check:
    stall.serve(sent(channel(stall.host, item("flood", stall.host), space=f" {_NEWS}")))

    def check(drive: Drive) -> None:
        assert drive.poll(1).format.startswith("RSS")
        assert drive.names == ["flood"]

    return check


@case(
    "78e",
    "a child inside",
    does="an index with a child at a private address",
    must="not asked; the other child is",
)
def _inward_child(stall: Stall) -> Check:
    children = "".join(
        f"<sitemap><loc>{url}</loc></sitemap>"
        for url in ("http://10.0.0.7/a.xml", f"http://{stall.host}/one.xml")
    )
    stall.serve(
        sent(f'<?xml version="1.0"?><sitemapindex {_MAP}>{children}</sitemapindex>'.encode())
    )
    stall.serve(sent(_sitemap(stall.host, "flood")), "/one.xml")

    def check(drive: Drive) -> None:
        drive.poll(1)
        assert drive.names == ["flood"]
        assert {one.host for one in drive.asked} == {stall.host}

    return check


def _index_of(stall: Stall, children: dict[str, str]) -> Answer:
    """Return an index of these children: path → lastmod, "" for none."""
    rows = "".join(
        f"<sitemap><loc>http://{stall.host}{path}</loc>"
        + (f"<lastmod>{lastmod}</lastmod></sitemap>" if lastmod else "</sitemap>")
        for path, lastmod in children.items()
    )
    return sent(f'<?xml version="1.0"?><sitemapindex {_MAP}>{rows}</sitemapindex>'.encode())


@case(
    "78f",
    "an index whose children change",
    does="three children with a time of change, one of which changes each hour",
    must="only the child that changed is asked for again; no overflow",
)
def _changing_child(stall: Stall) -> Check:
    def hour() -> int:
        return int(stall.passed() / timedelta(hours=1))

    def changed() -> str:
        return f"{stall.began_at + timedelta(hours=hour()):%Y-%m-%dT%H:%M:%S+00:00}"

    old = "2026-11-16T08:30:00+00:00"
    stall.serve(lambda _: _index_of(stall, {"/old.xml": old, "/now.xml": changed(), "/b.xml": old}))
    stall.serve(sent(_sitemap(stall.host, "flood", "bridge")), "/old.xml")
    stall.serve(sent(_sitemap(stall.host, "lamp", "market")), "/b.xml")
    stall.serve(
        lambda _: sent(_sitemap(stall.host, f"story-{hour()}", f"more-{hour()}")), "/now.xml"
    )

    def check(drive: Drive) -> None:
        for number in range(4):
            state = drive.poll_now()
            assert len(drive.names) == 4 + 2 * (number + 1)
            drive.clock.move(hours=1)
        assert [one.path for one in drive.asked[1:5]] == [
            "/feed.xml", "/now.xml", "/old.xml", "/b.xml",
        ]  # fmt: skip
        assert len(drive.asked_for("/now.xml")) == 4
        assert len(drive.asked_for("/old.xml")) == len(drive.asked_for("/b.xml")) == 1
        assert state.window_overflow_count == 0

    return check


@case(
    "78g",
    "an index that stays the same",
    does="children without a date or with today's, which change while the index does not; ETag",
    must="asked for at each poll: nothing may hide them",
)
def _silent_index(stall: Stall) -> Check:
    today = f"{stall.began_at:%Y-%m-%d}"

    def answer(seen: Seen) -> Answer:
        if seen.header("if-none-match"):
            return Answer(304)
        index = _index_of(stall, {"/undated.xml": "", "/today.xml": today})
        return Answer(200, index.body, headers=[*index.headers, ("ETag", '"1"')])

    stall.serve(answer)
    for name in ("undated", "today"):
        stall.serve(
            [sent(_sitemap(stall.host, name)), sent(_sitemap(stall.host, f"{name}-2", name))],
            f"/{name}.xml",
        )

    def check(drive: Drive) -> None:
        drive.poll_now()
        drive.clock.move(hours=1)
        drive.poll_now()
        assert drive.names == ["today", "today-2", "undated", "undated-2"]

    return check


@case(
    "78h",
    "an index of a hundred children",
    does="100 children, the newest in the middle; half of what is asked for has no news",
    must="the 50 newest are asked for, newest first; those without news not at each poll",
)
def _many_children(stall: Stall) -> Check:
    def lastmod(number: int) -> str:
        return f"2026-{1 + (number * 37) % 11:02}-{1 + (number * 7) % 28:02}T01:00:00Z"

    children = {f"/c{number}.xml": lastmod(number) for number in range(100)}
    stall.serve(lambda _: _index_of(stall, children))
    for number, path in enumerate(children):
        stall.serve(sent(_sitemap(stall.host, f"n{number}", is_news=number % 2 == 0)), path)

    def check(drive: Drive) -> None:
        drive.poll_now()
        asked = [one.path for one in drive.asked if one.path.startswith("/c")]
        assert len(asked) == 50
        dates = [children[path] for path in asked]
        assert dates == sorted(children.values(), reverse=True)[:50]
        drive.clock.move(hours=1)
        drive.poll_now()
        assert len([one for one in drive.asked if one.path.startswith("/c")]) == 50

    return check


@case(
    "78i",
    "an index in an index",
    does="a child that is an index itself, and one of news",
    must="one level: the grandchild is not asked for",
)
def _nested_index(stall: Stall) -> Check:
    stall.serve(_index_of(stall, {"/deep.xml": "", "/one.xml": ""}))
    stall.serve(_index_of(stall, {"/grandchild.xml": ""}), "/deep.xml")
    stall.serve(sent(_sitemap(stall.host, "flood")), "/one.xml")

    def check(drive: Drive) -> None:
        drive.poll(1)
        assert drive.names == ["flood"]
        assert not drive.asked_for("/grandchild.xml")

    return check


@case(
    "78j",
    "a sitemap that is not in order",
    does="2,500 addresses, the newest at the end",
    must="the 2,000 newest come first, the rest with the next poll",
)
def _unordered(stall: Stall) -> Check:
    def dated(number: int) -> str:
        at = stall.began_at - timedelta(minutes=2_600 - number)
        row = _url(stall.host, f"n{number}")
        return row.replace("2026-11-16T07:00:00Z", f"{at:%Y-%m-%dT%H:%M:%SZ}")

    rows = "".join(dated(number) for number in range(2_500))
    stall.serve(sent(f'<?xml version="1.0"?><urlset {_MAP} {_NEWS}>{rows}</urlset>'.encode()))

    def check(drive: Drive) -> None:
        drive.poll(1)
        assert set(drive.names) == {f"n{number}" for number in range(500, 2_500)}
        drive.poll(1)
        assert set(drive.names) == {f"n{number}" for number in range(2_500)}

    return check


def _format(number: str, name: str, body: Callable[[str], bytes], kind: str = "xml") -> None:
    @case(number, name, does=f"a feed in {name}", must="entries taken")
    def _set_up(stall: Stall) -> Check:
        stall.serve(sent(body(stall.host), Content_Type=f"application/{kind}"))

        def check(drive: Drive) -> None:
            drive.poll(1)
            assert drive.names == ["flood"]

        return check


def _json_feed(host: str) -> bytes:
    rows = [{"id": 12, "url": f"http://{host}/a/flood", "title": "The flood"}]
    return json.dumps(
        {"version": "https://jsonfeed.org/version/1", "title": "t", "items": rows}
    ).encode()


_format("79a", "JSON Feed 1, numbers as ids", _json_feed, "json")
_format(
    "79b",
    "RDF",
    lambda host: (
        f'<?xml version="1.0"?><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        f'xmlns="http://purl.org/rss/1.0/"><channel rdf:about="http://{host}/"><title>t</title>'
        f'<link>http://{host}/</link></channel><item rdf:about="http://{host}/a/flood">'
        f"<title>The flood</title><link>http://{host}/a/flood</link></item></rdf:RDF>"
    ).encode(),
)
_format(
    "79c",
    "Atom 0.3",
    lambda host: (
        f'<?xml version="1.0"?><feed version="0.3" xmlns="http://purl.org/atom/ns#"><title>t</title>'
        f"<entry><title>The flood</title><id>tag:{host},2026:1</id>"
        f'<link rel="alternate" type="text/html" href="http://{host}/a/flood"/></entry></feed>'
    ).encode(),
)
_format(
    "79d",
    "RSS 0.91",
    lambda host: (
        f'<?xml version="1.0"?><rss version="0.91"><channel><title>t</title><item>'
        f"<title>The flood</title><link>http://{host}/a/flood</link></item></channel></rss>"
    ).encode(),
)
_format(
    "79e",
    "CDF",
    lambda host: (
        f'<?xml version="1.0"?><CHANNEL HREF="http://{host}/"><TITLE>t</TITLE>'
        f'<ITEM HREF="http://{host}/a/flood"><TITLE>The flood</TITLE></ITEM></CHANNEL>'
    ).encode(),
)
_format(
    "79f",
    "Atom 1.0",
    lambda host: (
        f'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>t</title>'
        f"<id>tag:{host},2026:f</id><updated>2026-11-16T07:00:00Z</updated><entry>"
        f"<title>The flood</title><id>tag:{host},2026:1</id><updated>2026-11-16T07:00:00Z</updated>"
        f'<link href="http://{host}/a/flood"/></entry></feed>'
    ).encode(),
)


def _growing(stall: Stall, every: timedelta, head: str) -> Callable[[Seen], Answer]:
    def answer(_: Seen) -> Answer:
        newest = int(stall.passed() / every) + 10
        items = [item(f"n{number}", stall.host) for number in range(newest, newest - 10, -1)]
        return sent(channel(stall.host, *items, head=head))

    return answer


@case(
    "80a",
    "ttl of a day on a fast feed",
    does="ttl=1440, a new item every ten minutes",
    must="ignored: the window would be missed",
)
def _fast_ttl(stall: Stall) -> Check:
    stall.serve(_growing(stall, timedelta(minutes=10), "<ttl>1440</ttl>"))

    def check(drive: Drive) -> None:
        drive.poll_until(timedelta(hours=30))
        assert max(drive.waits()[-5:]) < 3 * 3600

    return check


@case(
    "80b",
    "ttl of two hours on a slow feed",
    does="ttl=120, hardly ever anything new",
    must="a floor of two hours",
)
def _slow_ttl(stall: Stall) -> Check:
    dated = item("flood", stall.host, more="<pubDate>Mon, 02 Nov 2026 09:00:00 GMT</pubDate>")
    old = item("bridge", stall.host, more="<pubDate>Mon, 05 Oct 2026 09:00:00 GMT</pubDate>")
    stall.serve(sent(channel(stall.host, dated, old, head="<ttl>120</ttl>")))

    def check(drive: Drive) -> None:
        drive.configure(max_interval_minutes=30)
        drive.poll(6)
        assert min(drive.waits()[-3:]) >= 7200

    return check


@case(
    "80c",
    "skipHours",
    does="skipHours 10 to 20",
    must="silent in these hours, in GMT",
)
def _skip_hours(stall: Stall) -> Check:
    hours = "".join(f"<hour>{hour}</hour>" for hour in range(10, 21))
    stall.serve(_growing(stall, timedelta(hours=1), f"<skipHours>{hours}</skipHours>"))

    def check(drive: Drive) -> None:
        drive.poll_until(timedelta(days=2))
        later = drive.asked_for()[1:]
        assert len(later) > 10
        assert not [one.at for one in later if 10 <= one.at.astimezone(UTC).hour <= 20]

    return check


@case("80d", "skipDays", does="skipDays Tuesday and Wednesday", must="silent on these days")
def _skip_days(stall: Stall) -> Check:
    days = "<skipDays><day>Tuesday</day><day>Wednesday</day></skipDays>"
    stall.serve(_growing(stall, timedelta(hours=1), days))

    def check(drive: Drive) -> None:
        drive.configure(min_interval_minutes=120)
        drive.poll_until(timedelta(days=7))
        later = drive.asked_for()[1:]
        assert len(later) > 10
        assert not [one.at for one in later if one.at.astimezone(UTC).weekday() in (1, 2)]

    return check
