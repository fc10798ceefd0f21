"""Cases 19, 90 and 91: https for http, the options of one feed, names of the world."""

from __future__ import annotations

import base64

from tests.farm.case import Check, Stall, case, channel, feed, item, rss, sent
from tests.farm.drive import Drive
from tests.http_site import Answer, Seen, redirect


@case(
    "19",
    "http → https",
    does="301 to the same address with TLS",
    must="stored at once",
)
def _upgrade(stall: Stall) -> Check:
    stall.place("either")
    stall.serve_apart(redirect(f"https://{stall.host}/feed.xml", 301), feed(stall.host, "flood"))

    def check(drive: Drive) -> None:
        drive.configure(verify_tls=False)
        assert drive.poll(1).url == f"https://{stall.host}/feed.xml"
        drive.poll(1)
        assert len(drive.asked_for()) == 3  # http once, https twice
        assert drive.names == ["flood"]

    return check


@case(
    "90a",
    "an agent, a cookie and headers of its own",
    does="answers only to what the operator configured",
    must="all are sent, to this feed",
)
def _own_headers(stall: Stall) -> Check:
    def answer(seen: Seen) -> Answer:
        wanted = ("magpie/1 (+https://magpie.example)", "session=7", "yes")
        given = tuple(seen.header(name) for name in ("user-agent", "cookie", "x-reader"))
        return feed(stall.host, "flood") if given == wanted else Answer(403)

    stall.serve(answer)

    def check(drive: Drive) -> None:
        drive.configure(
            user_agent="magpie/1 (+https://magpie.example)",
            cookie="session=7",
            headers={"X-Reader": "yes"},
        )
        drive.poll(1)
        assert drive.names == ["flood"]

    return check


@case("90b", "a password", does="401 without one", must="http_401 without, entries with it")
def _password(stall: Stall) -> Check:
    secret = "reader:s3cret"
    wanted = f"Basic {base64.b64encode(secret.encode()).decode()}"

    def answer(seen: Seen) -> Answer:
        is_right = seen.header("authorization") == wanted
        return feed(stall.host, "flood") if is_right else Answer(401)

    stall.serve(answer)

    def check(drive: Drive) -> None:
        state = drive.poll(1)
        assert state.last_error_class == "http_401"
        drive.poll(1)
        assert min(drive.waits()) >= 3 * 3600  # the upper half of six hours' backoff
        drive.configure(basic_auth=secret)
        drive.poll_now()
        assert drive.names == ["flood"]
        assert secret not in str(drive.entries)

    return check


@case(
    "90c",
    "links to other sites",
    does="one item of its own, one sold to another site",
    must="with same_site_only the other one is a drop, once",
)
def _same_site(stall: Stall) -> Check:
    items = (item("flood", stall.host), item("advert", stall.other("shop")))
    stall.serve(sent(channel(stall.host, *items)))

    def check(drive: Drive) -> None:
        drive.configure(same_site_only=True)
        drive.poll(2)
        assert drive.names == ["flood"]
        assert [drop.reason for drop in drive.drops] == ["other_site"]

    return check


@case(
    "90d",
    "updates not wanted",
    does="another text at each poll",
    must="with ignore_entry_updates it is sent once",
)
def _no_updates(stall: Stall) -> Check:
    stall.serve(lambda _: sent(rss(stall.host, "flood", text=f"As of {stall.clock()}.")))

    def check(drive: Drive) -> None:
        drive.configure(ignore_entry_updates=True)
        drive.poll(4)
        assert drive.names == ["flood"]

    return check


@case(
    "90e",
    "validators not wanted",
    does="304 to any validators, with a feed that grows",
    must="with ignore_http_cache none are sent",
)
def _no_validators(stall: Stall) -> Check:
    def answer(seen: Seen) -> Answer:
        if seen.header("if-none-match") or seen.header("if-modified-since"):
            return Answer(304)
        names = ["flood"] if not stall.passed() else ["bridge", "flood"]
        return feed(stall.host, *names, ETag='"1"', Last_Modified="Mon, 16 Nov 2026 08:00:00 GMT")

    stall.serve(answer)

    def check(drive: Drive) -> None:
        drive.configure(ignore_http_cache=True)
        drive.poll(2)
        assert drive.names == ["bridge", "flood"]

    return check


@case(
    "90f",
    "hourly at most",
    does="a new item at each poll, and a wish to be asked once an hour",
    must="with min_interval_minutes: 60 no two requests within the hour, less its tenth of jitter",
)
def _hourly(stall: Stall) -> Check:
    def answer(_: Seen) -> Answer:
        count = 1 + int(stall.passed().total_seconds() // 600)
        return feed(stall.host, *(f"row-{number}" for number in range(count, 0, -1)))

    stall.serve(answer)

    def check(drive: Drive) -> None:
        drive.configure(min_interval_minutes=60)
        drive.poll(8)
        assert min(drive.waits()) >= 54 * 60

    return check


@case(
    "91",
    "a name with an umlaut",
    does="a feed at a host whose name is not ASCII",
    must="asked by its A-label; the entries are taken",
)
def _umlaut(stall: Stall) -> Check:
    host = f"xn--mven-5qa.{stall.host}"
    stall.serve(feed(host, "flood"), host=host)

    def check(drive: Drive) -> None:
        found = drive.add(f"möven.{stall.host}")
        drive.poll(1, found)
        assert [one.path for one in drive.asked_for(host=host)] == ["/feed.xml"]
        assert drive.names == ["flood"]

    return check
