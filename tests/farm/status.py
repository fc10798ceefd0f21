"""Cases 17–39: redirects, refusals, rests, failures, our own outage."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime

from tests.farm.case import Check, Stall, case, feed, sent
from tests.farm.drive import Drive
from tests.http_site import Answer, Seen, redirect

_DAY = timedelta(days=1)


@case(
    "17a",
    "301 to one target",
    does="301 to the same address for ever",
    must="followed at once; the target is stored after 7 days, not before",
)
def _permanent(stall: Stall) -> Check:
    target = stall.other("new")
    stall.serve(redirect(f"http://{target}/rss", 301))
    stall.serve(feed(target, "flood"), "/rss", target)

    def check(drive: Drive) -> None:
        drive.configure(min_interval_minutes=300)
        drive.poll(1)
        assert drive.names == ["flood"]
        assert drive.poll_until(6 * _DAY).url == drive.feed.url
        assert drive.poll_until(8 * _DAY).url == f"http://{target}/rss"
        asked = len(drive.asked_for())
        drive.poll(2)
        assert len(drive.asked_for()) == asked

    return check


@case(
    "17b",
    "308, then 301",
    does="a chain of permanent redirects",
    must="its end is stored after 7 days",
)
def _permanent_chain(stall: Stall) -> Check:
    stall.serve(redirect("/second", 308))
    stall.serve(redirect("/third", 301), "/second")
    stall.serve(feed(stall.host, "flood"), "/third")

    def check(drive: Drive) -> None:
        drive.configure(min_interval_minutes=300)
        assert drive.poll_until(8 * _DAY).url == f"http://{stall.host}/third"

    return check


@case("18", "301, then 302", does="a mixed chain", must="followed, never stored")
def _mixed(stall: Stall) -> Check:
    stall.serve(redirect("/second", 301))
    stall.serve(redirect("/third", 302), "/second")
    stall.serve(feed(stall.host, "flood"), "/third")

    def check(drive: Drive) -> None:
        drive.configure(min_interval_minutes=300)
        state = drive.poll_until(20 * _DAY)
        assert drive.names == ["flood"]
        assert state.url == drive.feed.url

    return check


@case(
    "20",
    "301 to a web page",
    does="a permanent redirect to a maintenance page",
    must="never stored; not_a_feed",
)
def _to_html(stall: Stall) -> Check:
    stall.serve(redirect("/sorry", 301))
    stall.serve(Answer(body=b"<!doctype html><html><title>Back soon</title></html>"), "/sorry")

    def check(drive: Drive) -> None:
        drive.configure(min_interval_minutes=300)
        state = drive.poll_until(20 * _DAY)
        assert state.last_error_class == "not_a_feed"
        assert state.url == drive.feed.url

    return check


@case(
    "21",
    "301 that flips",
    does="two targets, a day each in turn",
    must="the waiting time starts again; never stored",
)
def _flips(stall: Stall) -> Check:
    def answer(_: Seen) -> Answer:
        return redirect("/odd" if stall.passed().days % 2 else "/even", 301)

    stall.serve(answer)
    stall.serve(feed(stall.host, "flood"), "/odd")
    stall.serve(feed(stall.host, "flood"), "/even")

    def check(drive: Drive) -> None:
        drive.configure(min_interval_minutes=300)
        assert drive.poll_until(20 * _DAY).url == drive.feed.url

    return check


@case(
    "22",
    "301, then 404",
    does="three days of 301, then 404",
    must="the target on record is used at once",
)
def _then_404(stall: Stall) -> Check:
    def answer(_: Seen) -> Answer:
        return redirect("/new", 301) if stall.passed() < 3 * _DAY else Answer(404)

    stall.serve(answer)
    stall.serve(feed(stall.host, "flood"), "/new")

    def check(drive: Drive) -> None:
        state = drive.poll_until(5 * _DAY)
        assert state.url == f"http://{stall.host}/new"
        assert state.failure_score == 0

    return check


@case("23a", "redirect loop", does="sends back and forth", must="stops; too_many_redirects")
def _loop(stall: Stall) -> Check:
    stall.serve(redirect("/other", 302))
    stall.serve(redirect("/feed.xml", 302), "/other")

    def check(drive: Drive) -> None:
        assert drive.poll(1).last_error_class == "too_many_redirects"
        assert len(drive.asked_for()) + len(drive.asked_for("/other")) <= 9

    return check


@case("23b", "twenty hops", does="20 redirects in a row", must="8 are followed")
def _hops(stall: Stall) -> Check:
    stall.serve(redirect("/hop/1"))
    for number in range(1, 20):
        stall.serve(redirect(f"/hop/{number + 1}"), f"/hop/{number}")
    stall.serve(feed(stall.host, "flood"), "/hop/20")

    def check(drive: Drive) -> None:
        assert drive.poll(1).last_error_class == "too_many_redirects"
        assert drive.asked_for("/hop/8")
        assert not drive.asked_for("/hop/9")

    return check


def _location(number: str, name: str, location: str | bytes, path: str) -> None:
    @case(number, name, does=f"Location: {location!r}", must="followed")
    def _set_up(stall: Stall) -> Check:
        stall.serve(redirect(location))
        stall.serve(feed(stall.host, "flood"), path)

        def check(drive: Drive) -> None:
            drive.poll(1)
            assert drive.names == ["flood"]

        return check


_location("24a", "relative Location", "../new/rss", "/new/rss")
_location("24b", "non-ASCII Location", "/küste".encode(), "/k%C3%BCste")


@case("24c", "no Location", does="302 without Location", must="bad_response")
def _no_location(stall: Stall) -> Check:
    stall.serve(Answer(302))

    def check(drive: Drive) -> None:
        assert drive.poll(1).last_error_class == "bad_response"

    return check


@case(
    "25a",
    "redirect to a known feed",
    does="301 to another configured feed",
    must="duplicate_of; one of the two is polled",
)
def _duplicate(stall: Stall) -> Check:
    stall.serve(redirect("/main.xml", 301))
    stall.serve(feed(stall.host, "flood"), "/main.xml")

    def check(drive: Drive) -> None:
        main = drive.add(path="/main.xml")
        drive.poll(1, main)
        state = drive.poll(1)
        assert state.duplicate_of == main.id
        assert len(drive.entries) == 1
        assert state.next_poll_at is not None
        assert state.next_poll_at - drive.clock.now >= 0.9 * _DAY

    return check


@case(
    "25b",
    "a feed that says it is elsewhere",
    does="atom:link rel=self names another host",
    must="that host is never asked",
)
def _elsewhere(stall: Stall) -> Check:
    own = f'<link rel="self" href="http://{stall.other("own")}/feed.xml"/>'
    entry = (
        f'<entry><id>1</id><title>Flood</title><link href="http://{stall.host}/a/flood"/></entry>'
    )
    body = f'<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title>{own}{entry}</feed>'
    stall.serve(sent(body.encode()))
    stall.serve(feed(stall.other("own"), "wrong"), host=stall.other("own"))

    def check(drive: Drive) -> None:
        state = drive.poll(3)
        assert {one.host for one in drive.asked} == {stall.host}
        assert state.url == drive.feed.url
        assert drive.names == ["flood"]

    return check


@case(
    "26",
    "401 beyond a redirect",
    does="redirects a request with credentials to another host",
    must="Authorization and cookie are not sent on",
)
def _credentials(stall: Stall) -> Check:
    other = stall.other("elsewhere")
    stall.serve(redirect(f"http://{other}/rss"))
    stall.serve(feed(other, "flood"), "/rss", other)

    def check(drive: Drive) -> None:
        drive.configure(basic_auth="reader:secret", cookie="session=1")
        drive.poll(1)
        (first,), (second,) = drive.asked_for(), drive.asked_for("/rss", other)
        assert (first.header("authorization") or "").startswith("Basic ")
        assert first.header("cookie") == "session=1"
        assert second.header("authorization") is None
        assert second.header("cookie") is None

    return check


@case(
    "27",
    "challenge",
    does="403 with cf-mitigated: challenge",
    must="bot_block; six hours or more; the agent stays",
)
def _challenge(stall: Stall) -> Check:
    stall.serve(Answer(403, b"<html>Checking</html>", headers=[("cf-mitigated", "challenge")]))

    def check(drive: Drive) -> None:
        assert drive.poll(1).last_error_class == "bot_block"
        drive.poll(2)
        assert min(drive.waits()) >= 6 * 3600
        assert len({one.header("user-agent") for one in drive.asked_for()}) == 1

    return check


@case(
    "28",
    "403 burst",
    does="403 for five feeds of one host",
    must="the host rests as for a 429",
)
def _burst(stall: Stall) -> Check:
    stall.serve(Answer(403), path="*")

    def check(drive: Drive) -> None:
        feeds = [drive.add(path=f"/{number}.xml") for number in range(6)]
        for one in feeds:
            drive.poll_now(one)
        assert [len(drive.asked_for(f"/{number}.xml")) for number in range(6)] == [1] * 5 + [0]
        state = drive.state_of(feeds[-1])
        assert state.retry_after_until_at is not None
        assert state.retry_after_until_at - drive.clock.now >= timedelta(minutes=15)

    return check


@case(
    "29",
    "404 for 60 days",
    does="404 for 60 days, then the feed",
    must="backoff, weekly after 30 days, recovers",
)
def _long_404(stall: Stall) -> Check:
    def answer(_: Seen) -> Answer:
        return Answer(404) if stall.passed() < 60 * _DAY else feed(stall.host, "flood")

    stall.serve(answer)

    def check(drive: Drive) -> None:
        state = drive.poll_until(75 * _DAY)
        assert drive.names == ["flood"]
        assert state.failure_score == 0
        asked = [one.at - stall.began_at for one in drive.asked_for()]
        late = [at for at in asked if 32 * _DAY < at < 60 * _DAY]
        assert 2 <= len(late) <= 5
        assert len([at for at in asked if at < 30 * _DAY]) <= 60

    return check


@case("30a", "410", does="410", must="gone; the next request after 30 days")
def _gone(stall: Stall) -> Check:
    stall.serve(Answer(410))

    def check(drive: Drive) -> None:
        assert drive.poll(1).gone_since_at is not None
        drive.poll(1)
        assert min(drive.waits()) >= 29 * 24 * 3600

    return check


@case(
    "30b",
    "410, then the feed",
    does="410 for a month, then 200",
    must="healthy again, entries taken",
)
def _back_again(stall: Stall) -> Check:
    stall.serve([Answer(410), feed(stall.host, "flood")])

    def check(drive: Drive) -> None:
        state = drive.poll(2)
        assert (state.gone_since_at, state.failure_score) == (None, 0)
        assert drive.names == ["flood"]

    return check


def _rest(number: str, name: str, status: int, least: float, most: float, asks: str) -> None:
    @case(number, name, does=f"{status} with Retry-After: {asks}", must="silent for that time")
    def _set_up(stall: Stall) -> Check:
        def answer(_: Seen) -> Answer:
            at = format_datetime(stall.clock() + timedelta(seconds=120), usegmt=True)
            return Answer(status, headers=[("Retry-After", asks.replace("DATE", at))])

        stall.serve(answer)

        def check(drive: Drive) -> None:
            state = drive.poll(1)
            drive.poll_until_asked(2)
            assert state.failure_score == 0
            assert least <= min(drive.waits()) <= most

        return check


_rest("31a", "429 and seconds", 429, 120, 120 + 3700, "120")
_rest("31b", "429 and a date", 429, 119, 120 + 3700, "DATE")
_rest("31c", "503 and seconds", 503, 120, 120 + 3700, "120")
_rest("31d", "503 and a date", 503, 119, 120 + 3700, "DATE")
_rest("32", "Retry-After of days", 429, 317_100, 317_100 + 3700, "317100")
_rest("33a", "a negative Retry-After", 429, 900, 900 * 2 + 3700, "-5")
_rest("33b", "an unreadable Retry-After", 429, 900, 900 * 2 + 3700, "soon")
_rest("33c", "a past date", 429, 900, 900 * 2 + 3700, "Mon, 01 Jan 2024 00:00:00 GMT")
_rest("33e", "Retry-After of a year", 429, 604_800, 604_800 + 3700, "31536000")


@case(
    "33d",
    "429 without Retry-After",
    does="429 alone, for a day",
    must="15 minutes at first, doubled each time",
)
def _doubling(stall: Stall) -> Check:
    stall.serve(Answer(429))

    def check(drive: Drive) -> None:
        drive.poll_until_asked(5)
        waits = drive.waits()
        for number, wait in enumerate(waits):
            assert wait >= 900 * 2**number

    return check


@case(
    "34",
    "429, sibling host",
    does="429 with Retry-After on one host of a domain",
    must="a feed on another host of that domain rests too",
)
def _sibling(stall: Stall) -> Check:
    stall.serve(Answer(429, headers=[("Retry-After", "7200")]), host=stall.sub("a"))
    stall.serve(feed(stall.sub("b"), "flood"), host=stall.sub("b"))

    def check(drive: Drive) -> None:
        angry, calm = drive.add(stall.sub("a")), drive.add(stall.sub("b"))
        drive.poll(1, angry)
        drive.clock.move(minutes=10)
        drive.poll(1, calm)
        assert drive.asked_for(host=stall.sub("b")) == []
        drive.clock.move(hours=2)
        drive.poll(2, calm)
        assert drive.asked_for(host=stall.sub("b"))

    return check


@case(
    "36",
    "500 for a week",
    does="500 for a week",
    must="waits grow to 24 hours and never fall under the usual interval",
)
def _week_of_500(stall: Stall) -> Check:
    stall.serve(Answer(500))

    def check(drive: Drive) -> None:
        state = drive.poll_until(7 * _DAY)
        assert state.last_error_class == "http_5xx"
        assert min(drive.waits()) >= 300
        assert max(drive.waits()) <= 24 * 3600 * 1.1
        assert drive.waits()[-1] > 4 * 3600
        assert len(drive.asked_for()) < 40

    return check


@case(
    "37",
    "HTML with 200",
    does="the feed, then a login page",
    must="not_a_feed; keys and validators kept; nothing sent twice afterwards",
)
def _login(stall: Stall) -> Check:
    login = Answer(body=b"<!doctype html><html><body><form>Log in</form></body></html>")
    stall.serve([feed(stall.host, "flood", ETag='"1"'), login, feed(stall.host, "flood")])

    def check(drive: Drive) -> None:
        state = drive.poll(2)
        assert state.last_error_class == "not_a_feed"
        assert state.etag == b'"1"'
        assert drive.poll(1).failure_score == 0
        assert drive.names == ["flood"]

    return check


@case("38a", "empty body", does="200 with Content-Length: 0", must="empty_body, a failure")
def _empty(stall: Stall) -> Check:
    stall.serve(Answer(200, b""))

    def check(drive: Drive) -> None:
        state = drive.poll(1)
        assert state.last_error_class == "empty_body"
        assert state.failure_score > 0

    return check


@case("38b", "204", does="204", must="empty_body, a failure")
def _no_content(stall: Stall) -> Check:
    stall.serve(Answer(204))

    def check(drive: Drive) -> None:
        assert drive.poll(1).last_error_class == "empty_body"

    return check


@case(
    "39",
    "our outage",
    does="every one of 30 hosts hangs up before a status line",
    must="scores stay as they are once it shows that it is us",
)
def _outage(stall: Stall) -> Check:
    async def hang_up(writer: object) -> None:
        writer.transport.abort()  # type: ignore[attr-defined]

    for number in range(30):
        stall.serve_raw(hang_up, host=stall.other(f"o{number}"))

    def check(drive: Drive) -> None:
        feeds = [drive.add(stall.other(f"o{number}")) for number in range(30)]
        states = [drive.poll_now(one) for one in feeds]
        assert drive.outage.is_frozen
        assert states[0].failure_score > 0
        assert [state.failure_score for state in states[-5:]] == [0.0] * 5

    return check
