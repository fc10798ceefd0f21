"""Cases 81–82: robots.txt."""

from __future__ import annotations

from tests.farm.case import Check, Stall, case, feed
from tests.farm.drive import Drive
from tests.http_site import Answer, redirect


def _robots(number: str, name: str, does: str, script: Answer, is_allowed: bool) -> None:
    @case(number, name, does=does, must="the feed is asked for" if is_allowed else "it is not")
    def _set_up(stall: Stall) -> Check:
        stall.serve(script, "/robots.txt")
        stall.serve(feed(stall.host, "flood"))

        def check(drive: Drive) -> None:
            state = drive.poll(1)
            assert bool(drive.asked_for()) is is_allowed
            if not is_allowed:
                assert state.last_error_class.startswith("robots_")
                assert state.failure_score <= 0.5

        return check


_ALL = b"User-agent: *\nDisallow: /\n"
_robots("81a", "robots.txt 404", "404", Answer(404), is_allowed=True)
_robots("81b", "robots.txt 500", "500", Answer(500), is_allowed=False)
_robots("81c", "robots.txt 403", "403", Answer(403), is_allowed=True)
_robots("82a", "feed disallowed", "Disallow: /", Answer(body=_ALL), is_allowed=False)
_robots(
    "82b",
    "only others disallowed",
    "Disallow: / for one other agent",
    Answer(body=b"User-agent: magpie\nDisallow: /\n"),
    is_allowed=True,
)
_robots(
    "82c",
    "the longer rule allows",
    "Disallow: / and Allow: /feed",
    Answer(body=b"User-agent: *\nDisallow: /\nAllow: /feed\n"),
    is_allowed=True,
)
_robots(
    "81d",
    "robots.txt of 600 KB",
    "a rule for the feed behind the first 500 KiB",
    Answer(body=b"User-agent: *\n" + b"# padding\n" * 60_000 + b"Disallow: /feed\n"),
    is_allowed=True,
)


@case(
    "81e",
    "robots.txt behind redirects",
    does="three redirects, then Disallow: /",
    must="followed and obeyed",
)
def _redirected(stall: Stall) -> Check:
    stall.serve(redirect("/r1", 301), "/robots.txt")
    stall.serve(redirect("/r2", 302), "/r1")
    stall.serve(redirect("/r3", 307), "/r2")
    stall.serve(Answer(body=_ALL), "/r3")
    stall.serve(feed(stall.host, "flood"))

    def check(drive: Drive) -> None:
        drive.poll(1)
        assert drive.asked_for("/r3")
        assert drive.asked_for() == []

    return check


@case(
    "82d",
    "the target of a redirect is disallowed",
    does="302 to a host whose robots.txt forbids it",
    must="not followed",
)
def _target(stall: Stall) -> Check:
    other = stall.other("shy")
    stall.serve(redirect(f"http://{other}/rss"))
    stall.serve(Answer(body=_ALL), "/robots.txt", other)
    stall.serve(feed(other, "flood"), "/rss", other)

    def check(drive: Drive) -> None:
        assert drive.poll(1).last_error_class.startswith("robots_")
        assert drive.asked_for("/rss", other) == []

    return check


@case(
    "82e",
    "robots.txt set aside by the operator",
    does="Disallow: /, and `robots: ignore` in feeds.yml",
    must="the feed is asked for",
)
def _ignored(stall: Stall) -> Check:
    stall.serve(Answer(body=_ALL), "/robots.txt")
    stall.serve(feed(stall.host, "flood"))

    def check(drive: Drive) -> None:
        drive.configure(robots="ignore")
        drive.poll(1)
        assert drive.names == ["flood"]

    return check
