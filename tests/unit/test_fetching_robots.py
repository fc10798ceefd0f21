"""robots.txt as RFC 9309 has it, over real sockets."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from ingest.errors import FetchFailed
from ingest.fetching.host_state import HostStates, RobotsFile
from ingest.fetching.robots import Robots
from ingest.ports import Disallowed, Fetched, FetchRequest, Resting
from tests.http_site import Answer, HttpSite, html, redirect
from tests.manners import Wiring, run

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
HOST = "courier.example"
PAGE = html("Harbour", "The sea wall broke.")


def asked(site: HttpSite, *paths: str, robots: str = "obey", **wiring: object) -> list[object]:
    """Return what comes back for these paths, asked one after the other."""

    async def work(wired: Wiring) -> list[object]:
        return [
            await wired.fetcher.fetch(FetchRequest(url=f"http://{HOST}{path}", robots=robots))
            for path in paths
        ]

    return run(site, work, **wiring)


def rules(text: str, **more: object) -> Answer:
    return Answer(body=text.encode(), headers=[("Content-Type", "text/plain")], **more)  # type: ignore[arg-type]


@pytest.fixture
def site():
    with HttpSite() as running:
        running.serve("*", "*", PAGE)
        yield running


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_missing_file_allows_everything(site: HttpSite, status: int) -> None:
    site.serve(HOST, "/robots.txt", Answer(status))
    (answer,) = asked(site, "/a")
    assert isinstance(answer, Fetched)
    assert answer.status == 200


@pytest.mark.parametrize("status", [500, 503])
def test_a_failing_file_disallows_everything_for_now(site: HttpSite, status: int) -> None:
    site.serve(HOST, "/robots.txt", Answer(status))
    answers = asked(site, "/a", "/b")
    assert [type(answer) for answer in answers] == [Disallowed, Disallowed]
    assert {answer.reason for answer in answers} == {"robots_unreachable"}  # type: ignore[attr-defined]
    assert [seen.path for seen in site.requests] == ["/robots.txt"]


def test_a_failing_file_is_asked_for_again_soon(site: HttpSite) -> None:
    site.serve(HOST, "/robots.txt", [Answer(500), rules("User-agent: *\nAllow: /")])
    answers = asked(site, "/a", "/a", try_again_after=timedelta(0))
    assert [type(answer) for answer in answers] == [Disallowed, Fetched]


def test_no_answer_for_the_file_is_the_failure_of_the_request(site: HttpSite) -> None:
    async def hang_up(writer: asyncio.StreamWriter) -> None:
        writer.close()

    site.serve_raw(HOST, "/robots.txt", hang_up)
    with pytest.raises(FetchFailed) as caught:
        asked(site, "/a")
    assert caught.value.kind == "connect"
    assert [seen.path for seen in site.requests] == ["/robots.txt"]


def test_disallowed_paths_are_not_requested_and_allowed_ones_are(site: HttpSite) -> None:
    site.serve(
        HOST, "/robots.txt", rules("User-agent: *\nDisallow: /private\nAllow: /private/open")
    )
    answers = asked(site, "/private/x", "/private/open", "/news")
    assert [type(answer) for answer in answers] == [Disallowed, Fetched, Fetched]
    assert answers[0].reason == "robots_disallowed"  # type: ignore[attr-defined]
    assert [seen.path for seen in site.requests] == ["/robots.txt", "/private/open", "/news"]


def test_the_group_of_our_own_name_wins(site: HttpSite) -> None:
    site.serve(
        HOST,
        "/robots.txt",
        rules("User-agent: *\nAllow: /\n\nUser-agent: News-Ingest\nDisallow: /"),
    )
    (answer,) = asked(site, "/a")
    assert isinstance(answer, Disallowed)


def test_the_file_is_asked_for_once_for_all_who_wait(site: HttpSite) -> None:
    site.serve(HOST, "/robots.txt", rules("User-agent: *\nAllow: /", wait_seconds=0.1))

    async def work(wired: Wiring) -> list[object]:
        requests = [FetchRequest(url=f"http://{HOST}/{number}") for number in range(10)]
        return await asyncio.gather(*(wired.fetcher.fetch(request) for request in requests))

    assert all(isinstance(answer, Fetched) for answer in run(site, work))
    assert len(site.asked(HOST, "/robots.txt")) == 1


def test_each_host_has_its_own_file_and_a_redirect_target_too(site: HttpSite) -> None:
    site.serve(HOST, "/moved", redirect("http://other.example/a"))
    site.serve("other.example", "/robots.txt", rules("User-agent: *\nDisallow: /"))
    (answer,) = asked(site, "/moved")
    assert isinstance(answer, Disallowed)
    assert answer.url == "http://other.example/a"
    assert [(seen.host, seen.path) for seen in site.requests] == [
        (HOST, "/robots.txt"),
        (HOST, "/moved"),
        ("other.example", "/robots.txt"),
    ]


def test_redirects_of_the_file_are_followed_five_times(site: HttpSite) -> None:
    site.serve(HOST, "/robots.txt", redirect("/1"))
    for number in range(1, 5):
        site.serve(HOST, f"/{number}", redirect(f"/{number + 1}"))
    site.serve(HOST, "/5", rules("User-agent: *\nDisallow: /"))
    (answer,) = asked(site, "/a")
    assert isinstance(answer, Disallowed)


def test_more_redirects_of_the_file_count_as_none(site: HttpSite) -> None:
    site.serve(HOST, "/robots.txt", redirect("/robots.txt"))
    (answer,) = asked(site, "/a")
    assert isinstance(answer, Fetched)
    assert len(site.asked(HOST, "/robots.txt")) == 6


def test_a_file_that_redirects_inward_is_refused(site: HttpSite) -> None:
    site.serve(HOST, "/robots.txt", redirect(f"http://127.0.0.1:{site.port}/secret"))
    with pytest.raises(FetchFailed) as caught:
        asked(site, "/a")
    assert caught.value.kind == "address_not_public"
    assert not site.asked("127.0.0.1")


def test_only_the_first_500_kib_of_the_file_count(site: HttpSite) -> None:
    filler = "# all of this is a comment line of about sixty characters ..\n" * 8_300
    assert 500_000 < len(filler) < 512_000
    tail = "# more\n" * 20_000
    site.serve(
        HOST, "/robots.txt", rules(f"User-agent: *\nDisallow: /a\n{filler}{tail}Disallow: /b\n")
    )
    answers = asked(site, "/a", "/b")
    assert [type(answer) for answer in answers] == [Disallowed, Fetched]


def test_a_fresh_file_is_not_asked_for_again_and_a_stale_one_is(site: HttpSite) -> None:
    site.serve(HOST, "/robots.txt", rules("User-agent: *\nAllow: /"))
    now = NOW

    def clock() -> datetime:
        return now

    async def work(wired: Wiring) -> list[int]:
        nonlocal now
        counts = []
        for hours in (0, 23, 2):
            now += timedelta(hours=hours)
            await wired.fetcher.fetch(FetchRequest(url=f"http://{HOST}/a"))
            counts.append(len(site.asked(HOST, "/robots.txt")))
        return counts

    assert run(site, work, clock=clock) == [1, 1, 2]


def test_a_known_file_serves_on_while_the_host_fails_and_is_absent_after_30_days(
    site: HttpSite,
) -> None:
    site.serve(HOST, "/robots.txt", [rules("User-agent: *\nDisallow: /a"), Answer(500)])
    now = NOW

    def clock() -> datetime:
        return now

    async def work(wired: Wiring) -> list[tuple[type, type]]:
        nonlocal now
        seen = []
        for days in (0, 2, 20, 11):
            now += timedelta(days=days)
            a = await wired.fetcher.fetch(FetchRequest(url=f"http://{HOST}/a"))
            b = await wired.fetcher.fetch(FetchRequest(url=f"http://{HOST}/b"))
            seen.append((type(a), type(b)))
        return seen

    known = (Disallowed, Fetched)
    assert run(site, work, clock=clock) == [known, known, known, (Fetched, Fetched)]


@pytest.mark.parametrize(
    ("line", "seconds"),
    [("Crawl-delay: 0.4", 0.4), ("Request-rate: 1/2", 2.0), ("Crawl-delay: 99999", 3600.0)],
)
def test_crawl_delay_and_request_rate_become_the_gap(
    site: HttpSite, line: str, seconds: float
) -> None:
    site.serve(HOST, "/robots.txt", rules(f"User-agent: *\n{line}\nDisallow: /x"))

    async def work(wired: Wiring) -> float:
        await wired.fetcher.fetch(FetchRequest(url=f"http://{HOST}/x"))
        return wired.politeness.gap(f"http://www.{HOST}/")

    assert run(site, work) == seconds


def test_requests_keep_the_crawl_delay_the_file_itself_included(site: HttpSite) -> None:
    site.serve(HOST, "/robots.txt", rules("User-agent: *\nCrawl-delay: 0.3"))
    began = time.monotonic()
    asked(site, "/a", "/b")
    assert [seen.path for seen in site.requests] == ["/robots.txt", "/a", "/b"]
    assert site.keeps_gap(0.3, began)


def test_report_asks_on_and_tells_and_ignore_does_not_look(site: HttpSite) -> None:
    site.serve(HOST, "/robots.txt", rules("User-agent: *\nDisallow: /"))
    (reported,) = asked(site, "/a", robots="report")
    assert isinstance(reported, Fetched)
    assert reported.robots_verdict == "disallowed"
    site.requests.clear()
    (ignored,) = asked(site, "/a", robots="ignore")
    assert isinstance(ignored, Fetched)
    assert [seen.path for seen in site.requests] == ["/a"]


def test_a_429_for_the_file_puts_the_host_to_rest(site: HttpSite) -> None:
    site.serve(HOST, "/robots.txt", Answer(429, headers=[("Retry-After", "60")]))
    first, second = asked(site, "/a", "/a")
    assert isinstance(first, Disallowed)
    assert isinstance(second, Resting)
    assert len(site.requests) == 1


def test_a_file_known_to_the_other_stage_is_not_asked_for(site: HttpSite) -> None:
    states = HostStates()
    body = "User-agent: *\nDisallow: /a"
    file = RobotsFile(status=200, body=body, fetched_at=datetime.now(UTC))
    other = HostStates()
    other.put_robots(f"http://{HOST}", file)
    ((domain, value),) = other.changes()
    states.apply(domain, value)
    answers = asked(site, "/a", "/b", states=states)
    assert [type(answer) for answer in answers] == [Disallowed, Fetched]
    assert [seen.path for seen in site.requests] == ["/b"]


def test_a_large_file_does_not_hold_up_the_event_loop() -> None:
    body = "".join(f"Disallow: /{number}/*/x\n" for number in range(20_000)).encode()

    async def get(url: str) -> tuple[int, bytes]:
        return 200, b"User-agent: *\n" + body

    async def work() -> int:
        robots = Robots(HostStates(), clock=lambda: NOW)
        verdict = asyncio.create_task(robots.verdict(f"http://{HOST}/5/a/x", get))
        ticks = 0
        while not verdict.done():
            ticks += 1
            await asyncio.sleep(0.001)
        assert verdict.result() == "disallowed"
        return ticks

    assert asyncio.run(work()) > 5
