"""Cases 01–16: validators, freshness, restarts."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime
from itertools import count

from tests.farm.case import Check, Stall, case, feed, rss, sent
from tests.farm.drive import AGENT, Drive
from tests.http_site import Answer, Seen


@case(
    "01",
    "good validators",
    does="304 when both validators come back byte for byte",
    must="the second request carries both; one parse; no entries; score 0",
)
def _good_validators(stall: Stall) -> Check:
    etag, modified = '"v1-flood"', "Mon, 16 Nov 2026 08:00:00 GMT"

    def answer(seen: Seen) -> Answer:
        if (seen.header("if-none-match"), seen.header("if-modified-since")) == (etag, modified):
            return Answer(304)
        return feed(stall.host, "flood", ETag=etag, Last_Modified=modified)

    stall.serve(answer)

    def check(drive: Drive) -> None:
        state = drive.poll(4)
        first, *later = drive.asked_for()
        assert first.header("if-none-match") is None
        assert {one.header("if-none-match") for one in later} == {etag}
        assert drive.parses == 1
        assert drive.names == ["flood"]
        assert state.failure_score == 0
        assert state.recent_polls[-1].outcome == "unchanged_304"

    return check


def _odd(number: str, etag: bytes, modified: str) -> None:
    @case(
        number,
        f"odd validators: {etag!r}",
        does="validators that no rule foresees",
        must="they come back byte for byte",
    )
    def _set_up(stall: Stall) -> Check:
        stall.serve(sent(rss(stall.host, "flood"), ETag=etag, Last_Modified=modified))

        def check(drive: Drive) -> None:
            drive.poll(2)
            second = drive.asked_for()[1]
            sent_back = second.header("if-none-match") or ""
            assert sent_back.encode("latin-1") == etag
            assert second.header("if-modified-since") == modified

        return check


_odd("02a", b'W/"a b"', "2024-01-02 03:04")
_odd("02b", b"no-quotes", "yesterday")
_odd("02c", '"café"'.encode(), "Fri, 01 Jan 2041 00:00:00 GMT")


@case(
    "02d",
    "an ETag of bytes that are no text",
    does="an ETag in latin-1, which no HTTP library of ours can send",
    must="it is left out rather than altered; Last-Modified goes alone",
)
def _no_text(stall: Stall) -> Check:
    modified = "Sun, 15 Nov 2026 08:00:00 GMT"
    stall.serve(sent(rss(stall.host, "flood"), ETag=b'"caf\xe9"', Last_Modified=modified))

    def check(drive: Drive) -> None:
        drive.poll(2)
        second = drive.asked_for()[1]
        assert second.header("if-none-match") is None
        assert second.header("if-modified-since") == modified

    return check


@case(
    "03",
    "new ETag, same body",
    does="another ETag with each answer",
    must="the newest is used; parsed once; no entries",
)
def _new_etag(stall: Stall) -> Check:
    turn = count(1)
    stall.serve(lambda _: feed(stall.host, "flood", ETag=f'"{next(turn)}"'))

    def check(drive: Drive) -> None:
        drive.poll(4)
        sent_back = [one.header("if-none-match") for one in drive.asked_for()]
        assert sent_back == [None, '"1"', '"2"', '"3"']
        assert drive.parses == 1
        assert drive.names == ["flood"]

    return check


@case(
    "04",
    "a 304 renews",
    does="new validators come with a 304",
    must="the next request carries the new ones",
)
def _renewed(stall: Stall) -> Check:
    def answer(seen: Seen) -> Answer:
        if seen.header("if-none-match"):
            return Answer(304, headers=[("ETag", '"new"'), ("Last-Modified", "later")])
        return feed(stall.host, "flood", ETag='"old"', Last_Modified="sooner")

    stall.serve(answer)

    def check(drive: Drive) -> None:
        drive.poll(3)
        third = drive.asked_for()[2]
        assert third.header("if-none-match") == '"new"'
        assert third.header("if-modified-since") == "later"

    return check


@case(
    "05a",
    "ETag fails",
    does="200 whenever If-None-Match is present, 304 to If-Modified-Since alone",
    must="after five equal bodies Last-Modified goes alone, and stays so",
)
def _etag_fails(stall: Stall) -> Check:
    def answer(seen: Seen) -> Answer:
        if seen.header("if-modified-since") and not seen.header("if-none-match"):
            return Answer(304)
        return feed(stall.host, "flood", ETag='"1"', Last_Modified="Sun, 15 Nov 2026 08:00:00 GMT")

    stall.serve(answer)

    def check(drive: Drive) -> None:
        state = drive.poll(9)
        assert state.validator_mode == "last_modified"
        last = drive.asked_for()[-1]
        assert last.header("if-none-match") is None
        assert last.header("if-modified-since") is not None
        assert state.recent_polls[-1].outcome == "unchanged_304"

    return check


@case(
    "05b",
    "Last-Modified fails",
    does="304 only to If-None-Match alone",
    must="after five more equal bodies the ETag goes alone",
)
def _modified_fails(stall: Stall) -> Check:
    def answer(seen: Seen) -> Answer:
        if seen.header("if-none-match") and not seen.header("if-modified-since"):
            return Answer(304)
        return feed(stall.host, "flood", ETag='"1"', Last_Modified="Sun, 15 Nov 2026 08:00:00 GMT")

    stall.serve(answer)

    def check(drive: Drive) -> None:
        state = drive.poll(15)
        assert state.validator_mode == "etag"
        assert state.recent_polls[-1].outcome == "unchanged_304"

    return check


@case(
    "06",
    "frozen",
    does="304 to any validators although the feed has grown",
    must="a probe within 7 days, one a day at most; entries taken; validators no longer trusted",
)
def _frozen(stall: Stall) -> Check:
    def answer(seen: Seen) -> Answer:
        if seen.header("if-none-match"):
            return Answer(304)
        names = ["flood"] if stall.passed() < timedelta(hours=1) else ["flood", "bridge"]
        return feed(stall.host, *names, ETag='"stuck"')

    stall.serve(answer)

    def check(drive: Drive) -> None:
        state = drive.poll_until(timedelta(days=8))
        assert drive.names == ["bridge", "flood"]
        assert not state.validators_are_trusted
        bare = [one.at for one in drive.asked_for() if not one.header("if-none-match")]
        assert bare[1] - bare[0] <= timedelta(days=7, hours=12)
        assert bare[1] - bare[0] >= timedelta(hours=20)

    return check


@case(
    "07",
    "304 unasked",
    does="304 to a request without validators",
    must="a failure of the feed; no loop of requests",
)
def _unasked(stall: Stall) -> Check:
    stall.serve(Answer(304))

    def check(drive: Drive) -> None:
        state = drive.poll(2)
        assert state.failure_score > 0
        assert state.last_error_class == "bad_response"
        assert min(drive.waits()) >= 300

    return check


@case(
    "08",
    "max-age on a 304",
    does="304 with max-age=7200",
    must="no request for 7,200 s",
)
def _max_age_304(stall: Stall) -> Check:
    def answer(seen: Seen) -> Answer:
        if seen.header("if-none-match"):
            return Answer(304, headers=[("Cache-Control", "max-age=7200")])
        return feed(stall.host, "flood", ETag='"1"')

    stall.serve(answer)

    def check(drive: Drive) -> None:
        drive.configure(max_interval_minutes=6)
        drive.poll(4)
        assert drive.waits()[0] < 500
        assert min(drive.waits()[1:]) >= 7200

    return check


@case(
    "09",
    "max-age of a year",
    does="max-age=31536000",
    must="the next poll within 24 hours",
)
def _year(stall: Stall) -> Check:
    stall.serve(feed(stall.host, "flood", Cache_Control="max-age=31536000"))

    def check(drive: Drive) -> None:
        drive.poll(3)
        assert max(drive.waits()) <= 24 * 3600 * 1.1
        assert min(drive.waits()) >= 24 * 3600

    return check


@case(
    "10",
    "the server's clock is wrong",
    does="Date three hours ahead, Expires one hour after Date",
    must="a floor of one hour",
)
def _wrong_clock(stall: Stall) -> Check:
    def answer(_: Seen) -> Answer:
        ahead = stall.clock() + timedelta(hours=3)
        return feed(
            stall.host,
            "flood",
            Date=format_datetime(ahead, usegmt=True),
            Expires=format_datetime(ahead + timedelta(hours=1), usegmt=True),
        )

    stall.serve(answer)

    def check(drive: Drive) -> None:
        drive.configure(max_interval_minutes=6)
        drive.poll(3)
        assert 3600 <= min(drive.waits()) <= max(drive.waits()) <= 4200

    return check


@case(
    "11",
    "both headers and Age",
    does="max-age=600, Age 200, Expires tomorrow",
    must="a floor of 400 s",
)
def _age(stall: Stall) -> Check:
    def answer(_: Seen) -> Answer:
        tomorrow = format_datetime(stall.clock() + timedelta(days=1), usegmt=True)
        return feed(stall.host, "flood", Cache_Control="max-age=600", Age="200", Expires=tomorrow)

    stall.serve(answer)

    def check(drive: Drive) -> None:
        drive.configure(max_interval_minutes=6)
        drive.poll(3)
        assert 400 <= min(drive.waits()) <= max(drive.waits()) < 500

    return check


@case(
    "12",
    "no-cache and Expires: 0",
    does="both, with an ETag that works",
    must="no floor; the ETag is used",
)
def _no_cache(stall: Stall) -> Check:
    def answer(seen: Seen) -> Answer:
        if seen.header("if-none-match") == '"1"':
            return Answer(304)
        return feed(stall.host, "flood", ETag='"1"', Cache_Control="no-cache", Expires="0")

    stall.serve(answer)

    def check(drive: Drive) -> None:
        drive.configure(max_interval_minutes=6)
        state = drive.poll(3)
        assert max(drive.waits()) < 500
        assert state.recent_polls[-1].outcome == "unchanged_304"

    return check


@case(
    "13",
    "delta",
    does="226 with the two new entries alone",
    must="both taken; no hash stored; no overflow",
)
def _delta(stall: Stall) -> Check:
    def answer(seen: Seen) -> Answer:
        if not seen.header("if-none-match"):
            return feed(stall.host, "flood", ETag='"1"')
        assert seen.header("a-im") == "feed"
        return sent(rss(stall.host, "bridge", "market"), 226, ETag='"2"', IM="feed")

    stall.serve(answer)

    def check(drive: Drive) -> None:
        state = drive.poll(2)
        assert drive.names == ["bridge", "flood", "market"]
        assert state.window_overflow_count == 0
        assert state.body_sha256 == ""

    return check


@case(
    "15",
    "restart",
    does="answers as ever",
    must="no request before the time that was planned before the stop",
)
def _restart(stall: Stall) -> Check:
    stall.serve(feed(stall.host, "flood", ETag='"1"'))

    def check(drive: Drive) -> None:
        planned = drive.poll(1).next_poll_at
        assert planned is not None
        drive.restart()
        assert drive.state.next_poll_at == planned
        drive.poll(1)
        assert drive.asked_for()[1].at == planned
        assert drive.asked_for()[1].header("if-none-match") == '"1"'
        assert drive.names == ["flood"]

    return check


@case(
    "16",
    "our headers",
    does="keeps what it was sent",
    must="agent with contact; gzip, br, zstd; no cookie, referer, or extra parameter",
)
def _headers(stall: Stall) -> Check:
    stall.serve(feed(stall.host, "flood", Set_Cookie="seen=1; Path=/"))

    def check(drive: Drive) -> None:
        drive.poll(2)
        assert len(drive.asked_for()) == 2
        for one in drive.asked_for():
            assert one.header("user-agent") == AGENT
            encodings = (one.header("accept-encoding") or "").replace(" ", "").split(",")
            assert {"gzip", "br", "zstd"} <= set(encodings)
            assert one.header("cookie") is None
            assert one.header("referer") is None

    return check
