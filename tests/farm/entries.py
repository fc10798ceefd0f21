"""Cases 68–77: guids, links, dates, changes, and documents with more than can be taken."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.farm.case import BEGINNING, Check, Stall, case, channel, feed, item, rss, sent
from tests.farm.drive import Drive
from tests.http_site import Answer, Seen


@case(
    "68",
    "guid flap",
    does="all guids go from http to https",
    must="no entry is sent as new",
)
def _flap(stall: Stall) -> Check:
    def answer(_: Seen) -> Answer:
        scheme = "http" if stall.passed() < timedelta(hours=1) else "https"
        names = ("flood", "bridge", "market")
        guids = [f"{scheme}://{stall.host}/a/{name}" for name in names]
        items = [item(name, stall.host, guid=guid) for name, guid in zip(names, guids, strict=True)]
        return sent(channel(stall.host, *items))

    stall.serve(answer)

    def check(drive: Drive) -> None:
        drive.poll_until(timedelta(hours=6))
        assert drive.parses == 2
        assert drive.names == ["bridge", "flood", "market"]

    return check


@case(
    "69",
    "slug edit",
    does="the same guid with another link",
    must="one entry more, marked as changed, that names the address before",
)
def _slug(stall: Stall) -> Check:
    before = item("flood", stall.host, guid="story-7")
    after = item("great-flood", stall.host, guid="story-7")
    stall.serve([sent(channel(stall.host, before)), sent(channel(stall.host, after))])

    def check(drive: Drive) -> None:
        drive.poll(3)
        first, second = drive.entries
        assert first.id == second.id
        assert second.change == "updated"
        assert second.previous_url == first.url_published
        assert second.first_seen_at == first.first_seen_at

    return check


@case(
    "70a",
    "no guids",
    does="items without guid",
    must="all taken once; entry_key_mode changes",
)
def _no_guids(stall: Stall) -> Check:
    names = ("flood", "bridge", "market")
    items = [
        f"<item><title>{name}</title><link>http://{stall.host}/a/{name}</link></item>"
        for name in names
    ]
    stall.serve(sent(channel(stall.host, *items)))

    def check(drive: Drive) -> None:
        state = drive.poll(2)
        assert drive.names == ["bridge", "flood", "market"]
        assert state.entry_key_mode != "guid"

    return check


@case(
    "70b",
    "all guids the same",
    does="one guid for all items",
    must="all taken once; entry_key_mode changes",
)
def _same_guids(stall: Stall) -> Check:
    names = ("flood", "bridge", "market")
    one, more = names, (*names, "lamp")
    documents = [
        sent(channel(stall.host, *(item(name, stall.host, guid="same") for name in part)))
        for part in (one, more)
    ]
    stall.serve(documents)

    def check(drive: Drive) -> None:
        state = drive.poll(2)
        assert drive.names == sorted(more)
        assert state.entry_key_mode != "guid"

    return check


@case("71a", "no link", does="an item without any link", must="set aside once, with the reason")
def _no_link(stall: Stall) -> Check:
    lost = "<item><title>No way there</title><guid isPermaLink='false'>x1</guid></item>"
    stall.serve(
        lambda _: sent(channel(stall.host, lost, item("flood", stall.host), head=_tick(stall)))
    )

    def check(drive: Drive) -> None:
        drive.poll(3)
        assert drive.parses == 3
        assert drive.names == ["flood"]
        assert [one.reason for one in drive.rejects] == ["entry_without_link"]

    return check


@case("71b", "link = home page", does="an item that links to the front page", must="a drop, once")
def _home(stall: Stall) -> Check:
    front = f"<item><title>Welcome</title><link>http://{stall.host}/</link></item>"
    stall.serve(sent(channel(stall.host, front, item("flood", stall.host))))

    def check(drive: Drive) -> None:
        drive.poll(2)
        assert drive.names == ["flood"]
        assert [one.reason for one in drive.drops] == ["link_is_home_page"]

    return check


@case("71c", "a guid that is no URL", does="isPermaLink=true on a word", must="it is not a link")
def _no_url(stall: Stall) -> Check:
    word = '<item><title>Word</title><guid isPermaLink="true">story-9</guid></item>'
    stall.serve(sent(channel(stall.host, word, item("flood", stall.host))))

    def check(drive: Drive) -> None:
        drive.poll(1)
        assert drive.names == ["flood"]
        assert [one.reason for one in drive.rejects] == ["entry_without_link"]

    return check


@case(
    "71d",
    "a link too long",
    does="a link of 3,000 characters",
    must="set aside once, with the reason",
)
def _too_long(stall: Stall) -> Check:
    long = f"<item><title>Long</title><link>http://{stall.host}/{'x' * 3_000}</link></item>"
    stall.serve(sent(channel(stall.host, long, item("flood", stall.host))))

    def check(drive: Drive) -> None:
        drive.poll(2)
        assert drive.names == ["flood"]
        assert [one.reason for one in drive.rejects] == ["link_too_long"]

    return check


def _date(number: str, raw: str, expected: datetime | None, does: str = "") -> None:
    @case(
        number,
        f"date {raw!r}",
        does=does or "a date as feeds write them",
        must="no date" if expected is None else f"{expected:%Y-%m-%d %H:%M:%S} UTC",
    )
    def _set_up(stall: Stall) -> Check:
        dated = item("flood", stall.host, more=f"<pubDate>{raw}</pubDate>")
        stall.serve(lambda _: sent(channel(stall.host, dated, head=_tick(stall))))

        def check(drive: Drive) -> None:
            drive.poll(3)
            assert drive.parses == 3
            (entry,) = drive.entries
            assert entry.published_at == expected
            assert entry.published_raw == raw
            assert entry.first_seen_at == BEGINNING

        return check


def _utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=BEGINNING.tzinfo)  # type: ignore[misc,arg-type]


_date("72a", "2016/6/29 15:07:41", _utc(2016, 6, 29, 15, 7, 41))
_date("72b", "Thu,28 Jul 2022 4:35:5 GMT+9", _utc(2022, 7, 27, 19, 35, 5))
_date("72c", "Thu, 28 Jul 2022 04:35:05", _utc(2022, 7, 28, 4, 35, 5), "no zone")
_date("72d", "2022-07-28T04:35:05", _utc(2022, 7, 28, 4, 35, 5), "no zone")
_date("72e", "1659000000", _utc(2022, 7, 28, 9, 20), "Unix seconds")
_date("72f", "28/07/2022 04:35", _utc(2022, 7, 28, 4, 35), "a number over 12 tells the order")
_date("72g", "29.6. gestern", None)
_date("72h", "Thu, 01 Jan 1970 00:00:00 GMT", None, "the beginning of Unix time")
_date("72i", "Mon, 16 Nov 2026 23:00:00 GMT", BEGINNING, "in the future: the first sight instead")


@case(
    "73",
    "a clock in the content",
    does="the text tells the time at each poll",
    must="24 sends as changed at most",
)
def _clock(stall: Stall) -> Check:
    stall.serve(
        lambda _: sent(
            rss(stall.host, "flood", text=f"It is {stall.clock():%H:%M} on {stall.clock():%d %B}")
        )
    )

    def check(drive: Drive) -> None:
        drive.poll(60)
        assert drive.parses == 60
        assert 1 < len(drive.entries) <= 25
        assert len({entry.id for entry in drive.entries}) == 1

    return check


@case("74a", "a real update", does="the text changes once", must="one entry more, as updated")
def _update(stall: Stall) -> Check:
    stall.serve(
        [feed(stall.host, "flood"), sent(rss(stall.host, "flood", text="The wall gave way."))]
    )

    def check(drive: Drive) -> None:
        drive.poll(4)
        assert [entry.change for entry in drive.entries] == ["new", "updated"]
        assert len({entry.id for entry in drive.entries}) == 1

    return check


@case(
    "74b",
    "a column with a fixed title",
    does="a new text, guid and link under the title of last week",
    must="two entries, both new",
)
def _column(stall: Stall) -> Check:
    def columns(*numbers: int) -> Answer:
        texts = {1: "On the price of bread and who pays it.", 2: "Why ferries run late in autumn."}
        items = [item(f"week-{number}", stall.host, text=texts[number]) for number in numbers]
        plain = [
            one.replace(f"The week-{n} of", "The week of")
            for n, one in zip(numbers, items, strict=True)
        ]
        return sent(channel(stall.host, *plain))

    stall.serve(lambda _: columns(1) if not stall.passed() else columns(2, 1))

    def check(drive: Drive) -> None:
        drive.poll(2)
        assert drive.names == ["week-1", "week-2"]
        assert set(drive.titles) == {"The week of Port Elsin"}
        assert {entry.change for entry in drive.entries} == {"new"}

    return check


def _base(number: str, name: str, link: str, expected: str, space: str = "", **head: str) -> None:
    @case(number, name, does=f"the link {link!r}", must=f"joined to {expected!r}")
    def _set_up(stall: Stall) -> Check:
        row = f"<item><title>Row</title><link>{link.replace('HOST', stall.host)}</link></item>"
        bare = channel(stall.host, row, space=space.replace("HOST", stall.host))
        stall.serve(sent(bare.replace(f"<link>http://{stall.host}/</link>".encode(), b""), **head))

        def check(drive: Drive) -> None:
            drive.poll(1)
            (entry,) = drive.entries
            assert entry.url_published == expected.replace("HOST", stall.host)

        return check


_base("75a", "relative link", "a/row", "http://HOST/a/row")
_base("75b", "xml:base", "a/row", "http://HOST/deep/a/row", ' xml:base="http://HOST/deep/"')
_base("75c", "Content-Location", "a/row", "http://HOST/x/a/row", Content_Location="/x/feed")
_base("75d", "link without scheme", "//HOST/row", "http://HOST/row")


@case(
    "75e",
    "relative link behind a redirect",
    does="302 to another folder",
    must="joined to where the document really was",
)
def _base_after_redirect(stall: Stall) -> Check:
    row = "<item><title>Row</title><link>row</link></item>"
    body = channel(stall.host, row)
    stall.serve(Answer(302, headers=[("Location", "/deep/feed.xml")]))
    stall.serve(sent(body), "/deep/feed.xml")

    def check(drive: Drive) -> None:
        drive.poll(1)
        assert drive.entries[0].url_published == f"http://{stall.host}/deep/row"

    return check


@case(
    "76",
    "overflow",
    does="20 items a window, 50 new an hour",
    must="counted; the interval shrinks until the window is met",
)
def _overflow(stall: Stall) -> Check:
    def answer(_: Seen) -> Answer:
        newest = int(stall.passed().total_seconds() // 72) + 20
        return feed(stall.host, *(f"n{number}" for number in range(newest, newest - 20, -1)))

    stall.serve(answer)

    def check(drive: Drive) -> None:
        drive.clock.move(hours=1)
        drive.poll(1)
        drive.clock.move(hours=2)
        state = drive.poll_now()
        assert state.window_overflow_count == 1
        after = drive.poll_until(timedelta(hours=8))
        assert after.window_overflow_count <= 3
        late = drive.waits()[-5:]
        assert max(late) <= 20 * 72

    return check


@case(
    "77",
    "huge",
    does="20,000 items, then 304",
    must="2,000 a poll at most; the newest 3,000 in two polls, each once",
)
def _huge(stall: Stall) -> Check:
    whole = feed(stall.host, *(f"r{number}" for number in range(4_000)), ETag='"1"')

    def answer(seen: Seen) -> Answer:
        return Answer(304) if seen.header("if-none-match") else whole

    stall.serve(answer)

    def check(drive: Drive) -> None:
        drive.poll(1)
        assert len(drive.entries) == 2_000
        drive.poll(3)
        assert len(drive.entries) == 3_000
        assert len(set(drive.names)) == 3_000

    return check


def _tick(stall: Stall) -> str:
    """Return a line that differs with each poll, so that the document is parsed again."""
    return f"<lastBuildDate>{stall.clock():%a, %d %b %Y %H:%M:%S} GMT</lastBuildDate>"
