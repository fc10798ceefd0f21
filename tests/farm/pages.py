"""Cases 62, 67 and 76: older pages of feeds, by RFC 5005 and JSON Feed, after an overflow."""

from __future__ import annotations

import json
from datetime import timedelta

from tests.farm.case import BEGINNING, Check, Stall, case, sent
from tests.farm.drive import Drive
from tests.http_site import Answer, Seen


def _paged(stall: Stall, numbers: range, path: str, following: str) -> Answer:
    """Return a page of an Atom feed: these entries, newest first, and a link to the next page."""
    link = f'<link rel="{following.partition(" ")[0]}" href="{following.partition(" ")[2]}"/>'
    rows = "".join(
        f"<entry><title>Story {number}</title><id>tag:{stall.host},2026:{number}</id>"
        f"<updated>{BEGINNING + timedelta(minutes=number):%Y-%m-%dT%H:%M:%SZ}</updated>"
        f'<link href="http://{stall.host}/a/n{number}"/></entry>'
        for number in reversed(numbers)
    )
    return sent(
        f'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>t</title>'
        f"<id>tag:{stall.host},2026:{path}</id>{link if following else ''}{rows}</feed>".encode(),
        Content_Type="application/atom+xml",
    )


def _serve_archive(stall: Stall, relation: str) -> None:
    """Serve a story a minute, twenty a page, and pages back to a day before the beginning."""

    def page(number: int) -> Answer:
        newest = int(stall.passed() / timedelta(minutes=1)) - 20 * number
        following = f"{relation} /page-{number + 1}.xml" if number < 72 else ""
        return _paged(stall, range(newest - 19, newest + 1), f"page-{number}", following)

    stall.serve(lambda _: page(0))
    for number in range(1, 80):
        stall.serve(lambda _, number=number: page(number), f"/page-{number}.xml")


def _repaired(number: str, name: str, relation: str) -> None:
    @case(
        number,
        name,
        does=f"20 items a window, 60 new an hour, older pages by {relation}",
        must="the pages are followed until what is known; none lost, none twice, nothing older",
    )
    def _set_up(stall: Stall) -> Check:
        _serve_archive(stall, relation)

        def check(drive: Drive) -> None:
            drive.poll_now()
            drive.clock.move(hours=1.5)
            state = drive.poll_now()
            expected = sorted(f"n{number}" for number in range(-19, 91))
            assert drive.names == expected
            assert (state.window_overflow_count, state.window_repair_count) == (0, 1)
            pages = [one.path for one in drive.asked if one.path.startswith("/page")]
            assert pages == [f"/page-{number}.xml" for number in range(1, len(pages) + 1)]
            assert len(pages) <= 7
            assert len({entry.first_seen_at for entry in drive.entries}) == 2
            drive.poll(3)
            assert len(drive.names) == len(set(drive.names))

        return check


_repaired("76b", "overflow with prev-archive", "prev-archive")
_repaired("76c", "overflow with next", "next")


@case(
    "76d",
    "overflow, more than ten pages of it",
    does="20 items a window, 60 new an hour, seen again after six hours",
    must="ten pages at most; items were probably missed, and the state says so",
)
def _long_overflow(stall: Stall) -> Check:
    _serve_archive(stall, "next")

    def check(drive: Drive) -> None:
        drive.poll_now()
        drive.clock.move(hours=6)
        state = drive.poll_now()
        assert (state.window_overflow_count, state.window_repair_count) == (1, 0)
        assert len([one for one in drive.asked if one.path.startswith("/page")]) == 10
        assert len(set(drive.names)) == len(drive.names) == 20 * 12

    return check


@case(
    "76e",
    "overflow, older pages elsewhere",
    does="an overflow whose next page lies on another site, or is gone",
    must="the other site is not asked; counted as missed",
)
def _foreign_overflow(stall: Stall) -> Check:
    far = f"http://{stall.other('far')}/page.xml"

    def answer(_: Seen) -> Answer:
        newest = int(stall.passed() / timedelta(minutes=1))
        return _paged(stall, range(newest - 19, newest + 1), "x", f"next {far}")

    stall.serve(answer)

    def check(drive: Drive) -> None:
        drive.poll_now()
        drive.clock.move(hours=2)
        assert drive.poll_now().window_overflow_count == 1
        assert {one.host for one in drive.asked} == {stall.host}

    return check


@case(
    "76f",
    "overflow of a JSON Feed",
    does="20 items a window, 60 new an hour, older pages by next_url",
    must="the pages are followed; none lost",
)
def _json_overflow(stall: Stall) -> Check:
    def page(number: int) -> Answer:
        newest = int(stall.passed() / timedelta(minutes=1)) - 20 * number
        rows = [
            {"id": str(one), "url": f"http://{stall.host}/a/n{one}", "title": f"Story {one}"}
            for one in range(newest, newest - 20, -1)
        ]
        return sent(
            json.dumps(
                {
                    "version": "https://jsonfeed.org/version/1.1",
                    "title": "t",
                    "next_url": f"/page-{number + 1}.json",
                    "items": rows,
                }
            ).encode(),
            Content_Type="application/feed+json",
        )

    stall.serve(lambda _: page(0))
    for number in range(1, 12):
        stall.serve(lambda _, number=number: page(number), f"/page-{number}.json")

    def check(drive: Drive) -> None:
        drive.poll_now()
        drive.clock.move(hours=1.5)
        state = drive.poll_now()
        assert drive.names == sorted(f"n{number}" for number in range(-19, 91))
        assert (state.window_overflow_count, state.window_repair_count) == (0, 1)

    return check


def _loop(number: str, name: str, does: str, steps: dict[str, str]) -> None:
    """Enter a case of an overflow whose pages lead on like this; the pages hold nothing known."""

    @case(number, name, does=does, must="ten pages at most, none twice; the rest of the poll holds")
    def _set_up(stall: Stall) -> Check:
        def script(path: str, following: str) -> Answer:
            offset = 1_000 + 100 * sum(path.encode())
            minutes = int(stall.passed() / timedelta(minutes=1)) + offset
            return _paged(stall, range(minutes, minutes + 5), path, f"next {following}")

        for path, following in steps.items():
            stall.serve(lambda _, path=path, to=following: script(path, to), path)

        def check(drive: Drive) -> None:
            drive.poll_now()
            drive.clock.move(hours=2)
            before = len(drive.asked)
            state = drive.poll_now()
            paths = [one.path for one in drive.asked[before:] if one.path != "/robots.txt"]
            assert len(paths) == len(set(paths)) <= 11
            assert state.window_overflow_count == 1
            assert state.last_error_class == ""

        return check


_loop("67", "page loop", "next → itself", {"/feed.xml": "/feed.xml"})
_loop(
    "67b",
    "page loop of three",
    "the third page names the second as next",
    {"/feed.xml": "/b.xml", "/b.xml": "/c.xml", "/c.xml": "/b.xml"},
)
_loop(
    "67c",
    "pages without end",
    "each page names another one",
    {"/feed.xml": "/p0.xml"} | {f"/p{number}.xml": f"/p{number + 1}.xml" for number in range(30)},
)


@case(
    "62b",
    "next page inside",
    does="an overflow whose next page lies at a private address, or redirects there",
    must="refused by the guard; no connection; the poll holds",
)
def _inward(stall: Stall) -> Check:
    stall.serve(Answer(302, headers=[("Location", "http://10.0.0.7/page.xml")]), "/page.xml")

    def answer(_: Seen) -> Answer:
        newest = int(stall.passed() / timedelta(minutes=1))
        page = "/page.xml" if stall.passed() < timedelta(hours=3) else "http://10.0.0.7/page.xml"
        return _paged(stall, range(newest - 4, newest + 1), "x", f"next {page}")

    stall.serve(answer)

    def check(drive: Drive) -> None:
        drive.poll_now()
        for _ in range(2):
            drive.clock.move(hours=2)
            assert drive.poll_now().last_error_class == ""
        assert drive.state.window_overflow_count == 2
        assert {one.host for one in drive.asked} == {stall.host}

    return check
