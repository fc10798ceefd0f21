"""What a site may send: every body and every stall ends within its limits."""

import asyncio
import gzip
import random
import resource
import shutil
import ssl
import subprocess
import time
import zlib
from pathlib import Path

import brotli
import pytest
import zstandard
from prometheus_client import REGISTRY

from ingest.errors import FetchFailed
from ingest.ports import Fetched, FetchRequest
from tests.bombs import MIB, brotli_bomb, gzip_bomb, zstd_bomb
from tests.http_site import Answer, HttpSite, html
from tests.manners import Wiring, run

HOST = "courier.example"


@pytest.fixture
def site():
    with HttpSite() as running:
        yield running


def fetched(site: HttpSite, url: str = f"http://{HOST}/a", **more: object) -> Fetched:
    options = more.pop("options", {})

    async def work(wired: Wiring) -> object:
        return await wired.fetcher.fetch(FetchRequest(url=url, robots="ignore", **more))  # type: ignore[arg-type]

    answer = run(site, work, **options)  # type: ignore[arg-type]
    assert isinstance(answer, Fetched)
    return answer


def kind_of_failure(site: HttpSite, url: str = f"http://{HOST}/a", **more: object) -> str:
    with pytest.raises(FetchFailed) as caught:
        fetched(site, url, **more)
    assert caught.value.value
    return caught.value.kind


def packed(encoding: str, body: bytes, **more: object) -> Answer:
    headers = [("Content-Encoding", encoding), ("Content-Type", "text/html")]
    return Answer(body=body, headers=headers, **more)  # type: ignore[arg-type]


# ── packing ─────────────────────────────────────────────────────────────────────────────────

TEXT = b"<p>The harbour was flooded.</p>" * 500


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("identity", TEXT),
        ("gzip", gzip.compress(TEXT)),
        ("x-gzip", gzip.compress(TEXT)),
        ("gzip, gzip", gzip.compress(gzip.compress(TEXT))),
        ("", gzip.compress(TEXT)),
        ("", gzip.compress(gzip.compress(TEXT))),
        ("", gzip.compress(TEXT[:100]) + gzip.compress(TEXT[100:])),
        ("deflate", zlib.compress(TEXT)),
        ("br", brotli.compress(TEXT)),
        ("zstd", zstandard.compress(TEXT)),
    ],
)
def test_compressed_bodies_are_decoded(site: HttpSite, encoding: str, body: bytes) -> None:
    site.serve(HOST, "/a", packed(encoding, body) if encoding else Answer(body=body))
    answer = fetched(site)
    assert answer.body == TEXT
    assert answer.wire_bytes <= len(body)


def test_plain_text_declared_as_compressed_is_a_bad_response(site: HttpSite) -> None:
    site.serve(HOST, "/a", packed("gzip", TEXT))
    assert kind_of_failure(site) == "bad_response"


def test_a_truncated_compressed_body_is_a_bad_response(site: HttpSite) -> None:
    site.serve(HOST, "/a", Answer(body=gzip.compress(random.randbytes(5000))[:2000]))
    assert kind_of_failure(site) == "bad_response"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("encoding", "make", "mebibytes"),
    [
        ("gzip", gzip_bomb, 1024),
        ("x-gzip", gzip_bomb, 1024),
        ("br", brotli_bomb, 512),
        ("zstd", zstd_bomb, 512),
    ],
)
def test_a_bomb_stops_at_the_limit_and_memory_stays_flat(
    site: HttpSite, encoding: str, make: object, mebibytes: int
) -> None:
    body = make(mebibytes)  # type: ignore[operator]
    site.serve(HOST, "/a", packed(encoding, body))
    fetch_small(site)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert kind_of_failure(site) == "body_too_large"
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 60 * 1024, f"{grown} KiB more"


def fetch_small(site: HttpSite) -> None:
    site.serve(HOST, "/small", html("t", "x"))
    fetched(site, f"http://{HOST}/small")


def test_a_nested_bomb_without_a_header_stops_at_the_limit(site: HttpSite) -> None:
    site.serve(HOST, "/a", Answer(body=gzip.compress(gzip_bomb(64))))
    assert kind_of_failure(site, max_bytes=MIB) == "body_too_large"


def test_a_body_of_exactly_the_limit_is_accepted_and_one_byte_more_is_not(site: HttpSite) -> None:
    site.serve(HOST, "/a", Answer(body=b"x" * 1000))
    assert len(fetched(site, max_bytes=1000).body) == 1000
    assert kind_of_failure(site, max_bytes=999) == "body_too_large"
    site.serve(HOST, "/a", packed("gzip", gzip.compress(b"x" * 1000)))
    assert len(fetched(site, max_bytes=1000).body) == 1000
    assert kind_of_failure(site, max_bytes=999) == "body_too_large"


# ── stalls and lies ─────────────────────────────────────────────────────────────────────────


def test_an_endless_body_ends_at_the_limit(site: HttpSite) -> None:
    async def pour(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()

    site.serve_raw(HOST, "/a", pour)
    assert kind_of_failure(site, max_bytes=MIB) == "body_too_large"


def test_a_slow_drip_ends_at_the_total_deadline(site: HttpSite) -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    site.serve_raw(HOST, "/a", drip)
    started = time.monotonic()
    assert kind_of_failure(site, timeout_seconds=0.5) == "timeout"
    assert time.monotonic() - started < 2


def test_a_drip_of_headers_ends_at_the_total_deadline(site: HttpSite) -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"X-Drip: 1\r\n")
            await writer.drain()
            await asyncio.sleep(0.05)

    site.serve_raw(HOST, "/a", drip)
    assert kind_of_failure(site, timeout_seconds=0.5) == "timeout"


def test_silence_ends_at_the_read_deadline(site: HttpSite) -> None:
    site.serve(HOST, "/a", Answer(wait_seconds=30))
    started = time.monotonic()
    options = {"read_timeout_seconds": 0.3}
    assert kind_of_failure(site, timeout_seconds=20, options=options) == "timeout"
    assert time.monotonic() - started < 2


def test_all_hops_together_keep_the_deadline(site: HttpSite) -> None:
    for number in range(6):
        hop = Answer(302, headers=[("Location", f"/{number + 1}")], wait_seconds=0.2)
        site.serve(HOST, f"/{number}", hop)
    started = time.monotonic()
    assert kind_of_failure(site, f"http://{HOST}/0", timeout_seconds=0.5) == "timeout"
    assert time.monotonic() - started < 1.5


def raw(head: bytes, body: bytes = b"", is_reset: bool = False):
    async def play(writer: asyncio.StreamWriter) -> None:
        writer.write(head + body)
        await writer.drain()
        if is_reset:
            await asyncio.sleep(0.05)
            writer.transport.abort()

    return play


@pytest.mark.parametrize(
    ("head", "is_reset", "kind"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nab", False, "bad_response"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", False, "bad_response"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", False, "bad_response"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nab",
            False,
            "bad_response",
        ),
        (b"SSH-2.0-OpenSSH_9.6\r\n", False, "bad_response"),
        (b"HTTP/1.1 200 OK\r\n" + b"X-A: 1\r\n" * 300 + b"\r\n", False, "bad_response"),
        (b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 40_000 + b"\r\n\r\n", False, "bad_response"),
        (b"HTTP/1.1 999999 OK\r\n\r\n", False, "bad_response"),
        (b"", False, "connect"),
        (b"HTTP/1.1 200 OK\r\nX-", True, "connect"),
    ],
)
def test_an_invalid_response_is_named(
    site: HttpSite, head: bytes, is_reset: bool, kind: str
) -> None:
    site.serve_raw(HOST, "/a", raw(head, is_reset=is_reset))
    assert kind_of_failure(site) == kind
    assert len(site.requests) == 1


def test_many_and_long_headers_within_the_limits_are_accepted(site: HttpSite) -> None:
    headers = [(f"X-{number}", "a" * 80) for number in range(200)] + [("X-Long", "b" * 30_000)]
    site.serve(HOST, "/a", Answer(body=b"x", headers=headers))
    assert fetched(site).header("x-long") == "b" * 30_000


@pytest.mark.parametrize(
    "headers",
    [[(f"X-{number}", "a") for number in range(400)], [("X-Long", "b" * 40_000)]],
    ids=["many", "long"],
)
def test_headers_beyond_the_bounds_are_counted_as_such(
    site: HttpSite, headers: list[tuple[str, str]]
) -> None:
    before = _hits("headers")
    site.serve(HOST, "/a", Answer(body=b"x", headers=headers))
    assert kind_of_failure(site) == "bad_response"
    assert _hits("headers") == before + 1


def _hits(cap: str) -> float:
    labels = {"stage": "fetch", "cap": cap}
    return REGISTRY.get_sample_value("news_ingest_caps_hit_total", labels) or 0.0


def test_early_hints_are_skipped(site: HttpSite) -> None:
    play = raw(
        b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    )
    site.serve_raw(HOST, "/a", play)
    assert fetched(site).body == b"ok"


def test_a_refused_connection_is_named(site: HttpSite) -> None:
    from ingest.settings.options import AddressGuardOptions

    guard = AddressGuardOptions(hosts={HOST: "127.0.0.1:1"})
    assert kind_of_failure(site, options={"guard": guard}) == "connect"


def test_a_slow_host_does_not_delay_others(site: HttpSite) -> None:
    site.serve("slow.example", "/a", Answer(wait_seconds=1.0))
    site.serve("*", "/a", html("t", "x"))

    async def work(wired: Wiring) -> float:
        async def ask(host: str) -> float:
            await wired.fetcher.fetch(FetchRequest(url=f"http://{host}/a", robots="ignore"))
            return time.monotonic()

        started = time.monotonic()
        slow = [asyncio.create_task(ask("slow.example")) for _ in range(50)]
        ends = await asyncio.gather(*(ask(f"quick{number}.example") for number in range(50)))
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)
        return max(ends) - started

    assert run(site, work) < 1.0
    assert site.most_in_flight("slow.example") == 1


# ── TLS ─────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a key and an untrusted certificate."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs the openssl command to make a certificate")
    path = tmp_path_factory.mktemp("tls") / "site.pem"
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", f"/CN={HOST}", "-keyout", str(path)]
    command += ["-out", str(path) + ".crt", "-addext", f"subjectAltName=DNS:{HOST}"]
    subprocess.run(command, check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + Path(f"{path}.crt").read_bytes())
    return path


def test_an_untrusted_certificate_is_refused_and_http_is_not_tried(
    certificate: Path,
) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with HttpSite(tls=tls) as site:
        site.serve(HOST, "/a", html("t", "x"))
        assert kind_of_failure(site, f"https://{HOST}/a") == "tls"
        assert site.requests == []
        assert fetched(site, f"https://{HOST}/a", verify_tls=False).status == 200


async def tls_failure(play, **options: object) -> str:
    """Return the kind of failure of an https request to a server that plays this."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await play(writer)
        finally:
            writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    wired = Wiring(HttpSite(port=server.sockets[0].getsockname()[1]), **options)  # type: ignore[arg-type]
    with pytest.raises(FetchFailed) as caught:
        await wired.fetcher.fetch(FetchRequest(url=f"https://{HOST}/a", robots="ignore"))
    await wired.fetcher.close()
    server.close()
    await asyncio.sleep(0.05)
    return caught.value.kind


def test_a_site_without_tls_is_a_tls_failure() -> None:
    async def banner(writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")
        await asyncio.sleep(0.05)

    assert asyncio.run(tls_failure(banner)) == "tls"


def test_a_tls_handshake_that_never_ends_is_a_timeout() -> None:
    async def silent(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.4)

    assert asyncio.run(tls_failure(silent, connect_timeout_seconds=0.2)) == "timeout"
