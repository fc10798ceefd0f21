"""The suite of the Fetcher port, run on every implementation."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ingest.errors import FetchFailed
from ingest.ports import Disallowed, Fetched, Fetcher, FetchRequest, Resting
from tests.http_site import Answer, HttpSite, html, redirect
from tests.manners import run

HOST = "courier.example"
URL = f"http://{HOST}/a"

Work = Callable[[Fetcher], Awaitable[Any]]


def by_http(site: HttpSite, work: Work) -> Any:
    """Run `work` on the fetcher that goes over HTTP."""
    return run(site, lambda wired: work(wired.fetcher))


IMPLEMENTATIONS = [by_http]


@pytest.fixture(params=IMPLEMENTATIONS, ids=lambda one: one.__name__)
def on_fetcher(request: pytest.FixtureRequest, site: HttpSite) -> Callable[[Work], Any]:
    return lambda work: request.param(site, work)


@pytest.fixture
def site():
    with HttpSite() as running:
        running.serve(HOST, "/a", html("Harbour", "The sea wall broke."))
        yield running


def test_an_answer_has_its_status_headers_body_and_times(on_fetcher: Any) -> None:
    answer = on_fetcher(lambda fetcher: fetcher.fetch(FetchRequest(url=URL)))
    assert isinstance(answer, Fetched)
    assert (answer.url, answer.status, answer.hops) == (URL, 200, ())
    assert b"The sea wall broke." in answer.body
    assert answer.header("content-type") == "text/html; charset=utf-8"
    assert answer.header("no-such-header") is None
    assert all(name == name.lower() for name, _ in answer.headers)
    assert 0 < answer.seconds < 10
    assert answer.wire_bytes == len(answer.body)
    assert answer.address == "127.0.0.1"
    assert answer.robots_verdict == "allowed"


@pytest.mark.parametrize("status", [204, 304, 404, 410, 429, 500, 503])
def test_every_status_is_an_answer(on_fetcher: Any, site: HttpSite, status: int) -> None:
    site.serve(HOST, "/a", Answer(status))
    answer = on_fetcher(lambda fetcher: fetcher.fetch(FetchRequest(url=URL)))
    assert isinstance(answer, Fetched)
    assert answer.status == status


def test_never_more_bytes_than_allowed(on_fetcher: Any, site: HttpSite) -> None:
    site.serve(HOST, "/a", Answer(body=b"x" * 1001))
    with pytest.raises(FetchFailed) as caught:
        on_fetcher(lambda fetcher: fetcher.fetch(FetchRequest(url=URL, max_bytes=1000)))
    assert caught.value.kind == "body_too_large"
    assert URL in str(caught.value)


def test_never_more_seconds_than_allowed(on_fetcher: Any, site: HttpSite) -> None:
    site.serve(HOST, "/a", Answer(wait_seconds=30))
    with pytest.raises(FetchFailed) as caught:
        on_fetcher(lambda fetcher: fetcher.fetch(FetchRequest(url=URL, timeout_seconds=0.2)))
    assert caught.value.kind == "timeout"


def test_redirects_are_followed_or_returned(on_fetcher: Any, site: HttpSite) -> None:
    site.serve(HOST, "/moved", redirect("http://other.example/b"))
    site.serve("other.example", "/b", html("t", "there"))
    request = FetchRequest(url=f"http://{HOST}/moved")
    followed = on_fetcher(lambda fetcher: fetcher.fetch(request))
    assert (followed.url, followed.redirect_to) == ("http://other.example/b", "")
    stayed = FetchRequest(url=f"http://{HOST}/moved", follows_other_domains=False)
    answer = on_fetcher(lambda fetcher: fetcher.fetch(stayed))
    assert answer.redirect_to == "http://other.example/b"


def test_what_robots_txt_forbids_is_disallowed(on_fetcher: Any, site: HttpSite) -> None:
    site.serve(HOST, "/robots.txt", Answer(body=b"User-agent: *\nDisallow: /a"))
    answer = on_fetcher(lambda fetcher: fetcher.fetch(FetchRequest(url=URL)))
    assert answer == Disallowed(URL, "robots_disallowed")


def test_a_host_with_retry_after_rests(on_fetcher: Any, site: HttpSite) -> None:
    site.serve(HOST, "/a", Answer(429, headers=[("Retry-After", "100")]))

    async def twice(fetcher: Fetcher) -> Any:
        await fetcher.fetch(FetchRequest(url=URL))
        return await fetcher.fetch(FetchRequest(url=URL))

    answer = on_fetcher(twice)
    assert isinstance(answer, Resting)
    left = answer.until - datetime.now(UTC)
    assert timedelta(seconds=90) < left <= timedelta(seconds=100)
    assert len(site.asked(HOST, "/a")) == 1


def test_no_private_address_is_requested(on_fetcher: Any, site: HttpSite) -> None:
    with pytest.raises(FetchFailed) as caught:
        on_fetcher(
            lambda fetcher: fetcher.fetch(FetchRequest(url=f"http://127.0.0.1:{site.port}/"))
        )
    assert caught.value.kind == "address_not_public"
    assert caught.value.remedy
    assert site.connections == 0


def test_a_cancelled_request_leaves_the_host_free(on_fetcher: Any, site: HttpSite) -> None:
    site.serve(HOST, "/slow", Answer(wait_seconds=30))

    async def cancel_then_ask(fetcher: Fetcher) -> Any:
        slow = asyncio.create_task(fetcher.fetch(FetchRequest(url=f"http://{HOST}/slow")))
        while not site.asked(HOST, "/slow"):
            await asyncio.sleep(0.01)
        slow.cancel()
        return await asyncio.wait_for(fetcher.fetch(FetchRequest(url=URL)), 5)

    assert on_fetcher(cancel_then_ask).status == 200


def test_a_closed_fetcher_can_be_closed_again(on_fetcher: Any) -> None:
    async def close_twice(fetcher: Fetcher) -> bool:
        await fetcher.fetch(FetchRequest(url=URL))
        await fetcher.close()
        await fetcher.close()
        return True

    assert on_fetcher(close_twice)
