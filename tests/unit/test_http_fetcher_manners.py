"""Redirects, credentials, addresses and headers, over real sockets."""

import asyncio
import socket
import time

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from ingest.adapters.http.errors import KINDS, failure
from ingest.errors import FetchFailed
from ingest.ports import Fetched, FetchRequest, Hop, Resting
from ingest.settings.options import AddressGuardOptions
from tests.http_site import Answer, HttpSite, html, redirect
from tests.manners import Wiring, run

HOST = "courier.example"
URL = f"http://{HOST}/a"


@pytest.fixture
def site():
    with HttpSite() as running:
        running.serve("*", "/end", html("t", "the end"))
        yield running


def ask(site: HttpSite, url: str = URL, *, wiring: dict[str, object] | None = None, **more: object):
    async def work(wired: Wiring) -> object:
        return await wired.fetcher.fetch(FetchRequest(url=url, **more))  # type: ignore[arg-type]

    return run(site, work, **(wiring or {}))  # type: ignore[arg-type]


def failure_of(site: HttpSite, url: str = URL, **more: object) -> FetchFailed:
    with pytest.raises(FetchFailed) as caught:
        ask(site, url, **more)
    return caught.value


# ── requests ────────────────────────────────────────────────────────────────────────────────


def test_only_the_default_headers_are_sent(site: HttpSite) -> None:
    site.serve(HOST, "/a?x=1", Answer(headers=[("Set-Cookie", "id=1")], body=b"x"))
    ask(site, URL + "?x=1#part")
    ask(site, URL + "?x=1")
    seen = site.asked(HOST, "/a?x=1")
    assert len(seen) == 2
    for one in seen:
        assert one.header("user-agent") == "news-ingest/0.1 (+https://elsin-archive.example/bot)"
        assert one.header("accept-encoding") == "gzip, deflate, br, zstd"
        assert {name for name, _ in one.headers} == {
            "host",
            "user-agent",
            "accept",
            "accept-encoding",
            "connection",
        }


@pytest.mark.parametrize("etag", ['W/"a b"', "no quotes", '"ünïcödé"', '"x', "2024-01-02 03:04"])
def test_validators_go_back_byte_for_byte(site: HttpSite, etag: str) -> None:
    site.serve(HOST, "/a", Answer(headers=[("ETag", etag.encode()), ("Last-Modified", "odd")]))
    first = ask(site)
    assert isinstance(first, Fetched)
    headers = {"If-None-Match": first.header("etag"), "If-Modified-Since": "odd"}
    ask(site, headers=headers)
    sent = site.requests[-1].header("if-none-match")
    assert sent is not None
    assert sent.encode("latin-1") == etag.encode()


def test_a_validator_that_cannot_be_sent_unchanged_is_not_sent(site: HttpSite) -> None:
    site.serve(HOST, "/a", Answer(headers=[("ETag", b'"\xe9"')]))
    first = ask(site)
    ask(site, headers={"If-None-Match": first.header("etag"), "X-Bad": "a\r\nb"})
    assert site.requests[-1].header("if-none-match") is None
    assert site.requests[-1].header("x-bad") is None


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_that_has_no_body_comes_back_empty(site: HttpSite, status: int) -> None:
    site.serve(HOST, "/a", Answer(status, headers=[("ETag", '"2"')]))
    answer = ask(site)
    assert (answer.status, answer.body, answer.header("etag")) == (status, b"", '"2"')


def test_the_published_query_is_sent_as_it_is(site: HttpSite) -> None:
    site.serve(HOST, "/a%2Fb?q=%2f+c;d&&utm_source=x", html("t", "x"))
    answer = ask(site, f"http://{HOST}/a%2Fb?q=%2f+c;d&&utm_source=x")
    assert answer.status == 200


@pytest.mark.parametrize(
    "url", ["", "courier.example/a", "ftp://courier.example/", "http://", "a b"]
)
def test_a_url_that_is_not_http_is_a_bad_url(site: HttpSite, url: str) -> None:
    assert failure_of(site, url).kind == "bad_url"


# ── redirects ───────────────────────────────────────────────────────────────────────────────


def test_redirects_are_followed_and_every_hop_is_reported(site: HttpSite) -> None:
    site.serve(HOST, "/a", redirect("/b", 301))
    site.serve(HOST, "/b", redirect("http://other.example/end", 308))
    answer = ask(site)
    assert isinstance(answer, Fetched)
    assert answer.url == "http://other.example/end"
    assert answer.hops == (Hop(URL, 301), Hop(f"http://{HOST}/b", 308))
    assert b"the end" in answer.body


def test_a_redirect_to_another_domain_can_be_returned(site: HttpSite) -> None:
    site.serve(HOST, "/a", redirect(f"http://www.{HOST}/b"))
    site.serve(f"www.{HOST}", "/b", redirect("http://other.example/end"))
    answer = ask(site, follows_other_domains=False)
    assert isinstance(answer, Fetched)
    assert answer.redirect_to == "http://other.example/end"
    assert answer.url == f"http://www.{HOST}/b"
    assert answer.hops == (Hop(URL, 302),)
    assert not site.asked("other.example")


def test_a_loop_ends_after_eight_redirects(site: HttpSite) -> None:
    site.serve(HOST, "/a", redirect("/a"))
    assert failure_of(site).kind == "too_many_redirects"
    assert len(site.asked(HOST, "/a")) == 9


@pytest.mark.parametrize(
    ("location", "path"),
    [("end", "/end"), ("?p=1", "/a?p=1"), (f"//{HOST}/end", "/end"), ("/ä".encode(), "/%C3%A4")],
)
def test_odd_locations_are_followed(site: HttpSite, location: str | bytes, path: str) -> None:
    site.serve(HOST, "/a", redirect(location))
    site.serve(HOST, path, html("t", "there"))
    assert b"there" in ask(site).body


def test_a_location_that_is_not_utf8_is_percent_encoded(site: HttpSite) -> None:
    site.serve(HOST, "/a", redirect(b"/caf\xe9"))
    site.serve(HOST, "/caf%E9", html("t", "there"))
    assert b"there" in ask(site).body


def test_a_redirect_without_a_location_is_a_bad_response(site: HttpSite) -> None:
    site.serve(HOST, "/a", Answer(302))
    assert failure_of(site).kind == "bad_response"


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://a.example/", "data:text/html,x"])
def test_a_redirect_to_another_scheme_is_refused(site: HttpSite, location: str) -> None:
    site.serve(HOST, "/a", redirect(location))
    assert failure_of(site).kind == "bad_url"


def test_the_body_of_a_redirect_is_not_read(site: HttpSite) -> None:
    headers = [("Location", "/end"), ("Content-Length", "99999999")]
    site.serve(HOST, "/a", Answer(302, headers=headers))
    assert b"the end" in ask(site).body


# ── credentials ─────────────────────────────────────────────────────────────────────────────

SECRETS = {
    "basic_auth": "mira:secret",
    "cookie": "session=1",
    "headers": {"X-Api-Key": "k", "If-None-Match": '"1"'},
}


def test_credentials_go_to_their_own_host(site: HttpSite) -> None:
    site.serve(HOST, "/a", redirect("/end"))
    ask(site, **SECRETS)
    for seen in site.asked(HOST)[-2:]:
        assert seen.header("authorization") == "Basic bWlyYTpzZWNyZXQ="
        assert seen.header("cookie") == "session=1"
        assert seen.header("x-api-key") == "k"


@pytest.mark.parametrize(
    "target", ["http://other.example/end", f"http://www.{HOST}/end", f"http://{HOST}:81/end"]
)
def test_credentials_never_go_to_another_host_or_port(site: HttpSite, target: str) -> None:
    site.serve(HOST, "/a", redirect(target))
    ask(site, **SECRETS)
    last = site.requests[-1]
    assert last.path == "/end"
    assert last.header("authorization") is None
    assert last.header("cookie") is None
    assert last.header("x-api-key") is None
    assert last.header("if-none-match") == '"1"'


def test_robots_txt_is_asked_for_without_credentials(site: HttpSite) -> None:
    site.serve(HOST, "/robots.txt", redirect("/rules", 301))
    site.serve(HOST, "/rules", Answer(body=b"User-agent: *\nAllow: /"))
    site.serve(HOST, "/a", html("t", "x"))
    ask(site, **SECRETS, user_agent="Reader/1")
    *about_robots, page = site.requests
    assert [seen.path for seen in about_robots] == ["/robots.txt", "/rules"]
    for seen in about_robots:
        for name in ("authorization", "cookie", "x-api-key"):
            assert seen.header(name) is None
        assert seen.header("user-agent") == "Reader/1"
    assert page.header("authorization") is not None


def test_credentials_in_a_url_are_taken_out(site: HttpSite) -> None:
    answer = ask(site, f"http://mira:secret@{HOST}/end")
    assert answer.url == f"http://{HOST}/end"
    assert all(seen.header("authorization") is None for seen in site.requests)


# ── addresses ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1/",
        "http://127.0.0.1:{port}/end",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://2130706433/",
        "http://127.1/",
        "http://①②⑦.0.0.1/",
        "http://0.0.0.0/",
        "http://localhost:{port}/end",
    ],
)
def test_no_redirect_leads_to_a_private_address(site: HttpSite, target: str) -> None:
    site.serve(HOST, "/a", redirect(target.format(port=site.port).encode()))
    error = failure_of(site)
    assert error.kind == "address_not_public"
    assert [seen.path for seen in site.requests] == ["/robots.txt", "/a"]


class Names(AbstractResolver):
    """A name service that returns one list of addresses for each call, then the last for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.questions = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        self.questions += 1
        addresses = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=0,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        pass


def test_a_name_with_a_private_address_is_refused_without_a_connection(site: HttpSite) -> None:
    wiring = {"names": Names(["127.0.0.1"])}
    error = failure_of(site, f"http://inward.test:{site.port}/end", wiring=wiring)
    assert error.kind == "address_not_public"
    assert site.connections == 0


def test_only_public_addresses_of_a_name_are_tried(site: HttpSite) -> None:
    options = AddressGuardOptions(allowed=[{"network": "127.0.0.5/32"}])  # plays the public one
    wiring = {"names": Names(["127.0.0.1", "10.0.0.1", "127.0.0.5"]), "guard": options}
    error = failure_of(site, f"http://mixed.test:{site.port}/end", wiring=wiring)
    assert error.kind == "connect"  # the server listens at 127.0.0.1 alone
    assert site.connections == 0


def test_a_rebound_name_is_checked_at_every_connection(site: HttpSite) -> None:
    """The address of the socket is checked, whatever a name service returned before."""

    class Lying(Names):
        async def resolve(self, *args: object, **more: object) -> list[ResolveResult]:
            (answer,) = await super().resolve(*args, **more)  # type: ignore[arg-type]
            return [Turncoat(answer)]  # type: ignore[list-item]

    class Turncoat(dict):  # type: ignore[type-arg]
        """Public when it is checked, private when the socket is made."""

        looks = 0

        def __getitem__(self, key: str) -> object:
            if key == "host":
                Turncoat.looks += 1
                return "8.8.8.8" if Turncoat.looks == 1 else "127.0.0.1"
            return super().__getitem__(key)

    wiring = {"names": Lying(["8.8.8.8"])}  # the port is that of a mapped host, and no use
    error = failure_of(site, f"http://rebound.test:{site.port}/end", wiring=wiring)
    assert error.kind == "address_not_public"
    assert Turncoat.looks >= 2
    assert site.connections == 0


def test_every_response_of_a_name_service_is_checked(site: HttpSite) -> None:
    names = Names(["127.0.0.5"], ["127.0.0.1"])
    guard = AddressGuardOptions(allowed=[{"network": "127.0.0.5/32"}])
    url = f"http://rebound.test:{site.port}/end"

    async def work(wired: Wiring) -> list[str]:
        kinds = []
        for port in (site.port, site.port + 1):  # another port: the answer is not remembered
            with pytest.raises(FetchFailed) as caught:
                await wired.fetcher.fetch(FetchRequest(url=f"http://rebound.test:{port}/end"))
            kinds.append(caught.value.kind)
        return kinds

    assert run(site, work, names=names, guard=guard) == ["connect", "address_not_public"]
    assert url
    assert site.connections == 0


def test_an_unknown_name_is_not_a_silent_name_service(site: HttpSite) -> None:
    import aiodns

    class Failing(Names):
        def __init__(self, code: int) -> None:
            super().__init__([])
            self.code = code

        async def resolve(self, *args: object, **more: object) -> list[ResolveResult]:
            cause = aiodns.error.DNSError(self.code, "no")
            raise OSError(None, "no") from cause

    unknown = failure_of(site, "http://a.test/", wiring={"names": Failing(4)})
    silent = failure_of(site, "http://a.test/", wiring={"names": Failing(12)})
    assert (unknown.kind, silent.kind) == ("name_unknown", "dns_temporary")
    assert unknown.what == "the host name was not found"
    assert silent.what == "the host name could not be looked up"


def test_a_proxy_is_used_and_its_targets_are_checked_first(site: HttpSite) -> None:
    site.serve("*", "*", html("t", "by proxy"))
    proxy = f"http://mira:secret@127.0.0.1:{site.port}"
    guard = AddressGuardOptions(allowed=[{"network": "127.0.0.5/32"}])
    wiring = {"names": Names(["127.0.0.5"]), "guard": guard}
    answer = ask(site, "http://far.test/x", wiring=wiring, proxy=proxy, robots="ignore")
    assert b"by proxy" in answer.body
    assert site.requests[-1].path == "http://far.test/x"
    assert site.requests[-1].header("proxy-authorization") == "Basic bWlyYTpzZWNyZXQ="
    asked = len(site.requests)
    for url in ("http://127.0.0.1:9200/", "http://inward.test/"):
        wiring = {"names": Names(["10.0.0.1"])}
        error = failure_of(site, url, wiring=wiring, proxy=proxy, robots="ignore")
        assert error.kind == "address_not_public"
    assert len(site.requests) == asked


# ── rests ───────────────────────────────────────────────────────────────────────────────────


def test_a_429_is_returned_and_the_whole_domain_rests(site: HttpSite) -> None:
    site.serve(HOST, "/a", Answer(429, headers=[("Retry-After", "120")]))

    async def work(wired: Wiring) -> tuple[object, object, object]:
        first = await wired.fetcher.fetch(FetchRequest(url=URL))
        same = await wired.fetcher.fetch(FetchRequest(url=f"http://b.{HOST}/end"))
        other = await wired.fetcher.fetch(FetchRequest(url="http://other.example/end"))
        return first, same, other

    first, same, other = run(site, work)
    assert isinstance(first, Fetched)
    assert first.status == 429
    assert isinstance(same, Resting)
    assert isinstance(other, Fetched)
    assert not site.asked(f"b.{HOST}")


def test_poll_and_fetch_share_the_rest_of_a_host(site: HttpSite) -> None:
    site.serve(HOST, "/a", Answer(503, headers=[("Retry-After", "120")]))

    async def work(poll: Wiring) -> object:
        fetch = Wiring(site)
        await poll.fetcher.fetch(FetchRequest(url=URL, stage="poll"))
        for domain, value in poll.states.changes():
            fetch.states.apply(domain, value)
        answer = await fetch.fetcher.fetch(FetchRequest(url=f"http://{HOST}/end"))
        await fetch.fetcher.close()
        return answer

    assert isinstance(run(site, work), Resting)
    assert not site.asked(HOST, "/end")


def test_thirty_requests_to_one_domain_go_one_at_a_time_with_the_gap(site: HttpSite) -> None:
    async def work(wired: Wiring) -> None:
        hosts = [HOST, f"www.{HOST}", f"feeds.{HOST}"]
        urls = [f"http://{hosts[number % 3]}/end" for number in range(9)]
        await asyncio.gather(*(wired.fetcher.fetch(FetchRequest(url=url)) for url in urls))

    began = time.monotonic()
    run(site, work, gap_seconds=0.05)
    assert len(site.requests) == 12  # three robots.txt among them
    assert site.keeps_gap(0.05, began)
    assert site.most_in_flight() == 1


# ── errors ──────────────────────────────────────────────────────────────────────────────────


def test_every_error_that_aiohttp_exports_has_a_kind() -> None:
    exported = [getattr(aiohttp, name) for name in aiohttp.__all__]
    errors = [one for one in exported if isinstance(one, type) and issubclass(one, Exception)]
    client = [one for one in errors if issubclass(one, aiohttp.ClientError | OSError)]
    assert len(client) > 15
    for one in client:
        assert any(issubclass(one, known) for known, _ in KINDS), one


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TimeoutError(), "timeout"),
        (aiohttp.SocketTimeoutError(), "timeout"),
        (aiohttp.ServerDisconnectedError(), "connect"),
        (aiohttp.ClientPayloadError("short"), "bad_response"),
        (aiohttp.InvalidURL("x"), "bad_url"),
        (ConnectionRefusedError(), "connect"),
    ],
)
def test_the_most_special_class_decides_the_kind(error: Exception, kind: str) -> None:
    assert failure(error, URL).kind == kind
    assert failure(error, URL).value == URL
