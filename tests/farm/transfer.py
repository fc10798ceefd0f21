"""Cases 40–56: bombs, stalls, broken answers, certificates, encodings."""

from __future__ import annotations

import asyncio
import gzip
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from tests import bombs
from tests.farm.case import Check, Stall, case, channel, feed, item, rss, sent
from tests.farm.drive import Drive
from tests.http_site import Answer, Raw

if TYPE_CHECKING:
    from collections.abc import Callable


def _failing(
    number: str,
    name: str,
    does: str,
    kind: str,
    *,
    answer: Callable[[Stall], Answer] | None = None,
    raw: Raw | None = None,
) -> None:
    """Enter a case whose every poll fails softly with this class."""

    @case(number, name, does=does, must=f"{kind}; the feed is asked again later")
    def _set_up(stall: Stall) -> Check:
        if raw is not None:
            stall.serve_raw(raw)
        elif answer is not None:
            stall.serve(answer(stall))

        def check(drive: Drive) -> None:
            state = drive.poll(1)
            assert state.last_error_class == kind, state.last_error_text
            assert 0 < state.failure_score <= 1
            assert state.next_poll_at is not None
            assert state.next_poll_at > drive.clock.now + timedelta(minutes=4)

        return check


def _packed(body: bytes, encoding: str) -> Answer:
    return sent(body, Content_Encoding=encoding)


async def _say(data: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(data)
    await writer.drain()


async def _silent(_: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


async def _reset(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def _reset_in_body(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 Fine\r\nContent-Length: 5000\r\n\r\n<rss>")
    await writer.drain()
    await asyncio.sleep(0.05)
    writer.transport.abort()


_GZIP_BOMB = partial(bombs.gzip_bomb, 64)
_TOO_LARGE = "body_too_large"
_failing(
    "40a", "gzip bomb", "64 MiB in 64 KB", _TOO_LARGE,
    answer=lambda _: _packed(_GZIP_BOMB(), "gzip"),
)  # fmt: skip
_failing(
    "40b", "br bomb", "64 MiB in some bytes", _TOO_LARGE,
    answer=lambda _: _packed(bombs.brotli_bomb(64), "br"),
)  # fmt: skip
_failing(
    "40c", "zstd bomb", "64 MiB in some KB", _TOO_LARGE,
    answer=lambda _: _packed(bombs.zstd_bomb(64), "zstd"),
)  # fmt: skip
_failing(
    "40d", "nested bomb", "gzip in gzip, one named", _TOO_LARGE,
    answer=lambda _: _packed(bombs.gzip_again(_GZIP_BOMB()), "gzip"),
)  # fmt: skip
_failing("41", "endless plain body", "never ends", _TOO_LARGE, raw=bombs.endless_body(64))
_failing(
    "42", "lying length", "Content-Length 20, 2 bytes", "bad_response",
    raw=partial(_say, b"HTTP/1.1 200 Fine\r\nContent-Length: 20\r\n\r\n<r"),
)  # fmt: skip
_failing(
    "45", "says gzip, is plain", "Content-Encoding: gzip before plain XML", "bad_response",
    answer=lambda stall: _packed(rss(stall.host, "flood"), "gzip"),
)  # fmt: skip
_failing("46", "slow drip", "one byte a second", "timeout", raw=bombs.drip)
_failing("47a", "no answer", "takes the connection and is silent", "timeout", raw=_silent)
_failing("47c", "reset before the status line", "hangs up", "connect", raw=_reset)
_failing("47d", "reset in the body", "hangs up in the middle", "bad_response", raw=_reset_in_body)
_failing("48a", "too many headers", "300 headers", "bad_response", raw=bombs.many_headers(300))
_failing(
    "48b", "a header too long", "one header of 40 KB", "bad_response",
    raw=partial(_say, b"HTTP/1.1 200 Fine\r\nX: " + b"y" * 40_000 + b"\r\n\r\n"),
)  # fmt: skip
_failing(
    "49a", "not HTTP", "the banner of an SSH server", "bad_response",
    raw=partial(_say, b"SSH-2.0-Lantern_9.1\r\n"),
)  # fmt: skip


@case(
    "43",
    "cut XML",
    does="no length, and closes in the middle of the third item",
    must="entries taken, the cut one again when it is whole; the hash is not kept as good",
)
def _cut(stall: Stall) -> Check:
    whole = rss(stall.host, "flood", "bridge", "market")
    cut = whole[: whole.rindex(b"<description>")]
    stall.serve([Answer(200, cut, is_open=True), sent(whole)])

    def check(drive: Drive) -> None:
        state = drive.poll(1)
        assert {"flood", "bridge"} <= set(drive.names)
        assert drive.rejects == []
        assert not state.parse_was_good or state.body_sha256 == ""
        drive.poll(1)
        assert set(drive.names) == {"bridge", "flood", "market"}
        again = [entry for entry in drive.entries if entry.change == "updated"]
        assert [entry.title for entry in again] == ["The market of Port Elsin"]

    return check


def _oddly_packed(number: str, name: str, layers: int, encoding: str) -> None:
    @case(number, name, does="gzip as few expect it", must="unpacked and parsed")
    def _set_up(stall: Stall) -> Check:
        body = rss(stall.host, "flood")
        for _ in range(layers):
            body = gzip.compress(body)
        stall.serve(_packed(body, encoding) if encoding else sent(body))

        def check(drive: Drive) -> None:
            drive.poll(1)
            assert drive.names == ["flood"]

        return check


_oddly_packed("44a", "gzip that no header names", 1, "")
_oddly_packed("44b", "gzip twice, named twice", 2, "gzip, gzip")
_oddly_packed("44c", "x-gzip", 1, "x-gzip")


@case("47b", "refuses connections", does="nobody listens", must="connect, soft")
def _refuses(stall: Stall) -> Check:
    stall.place("closed")

    def check(drive: Drive) -> None:
        drive.configure(robots="ignore")
        state = drive.poll(1)
        assert state.last_error_class == "connect"
        assert state.failure_score == 0.5

    return check


@case(
    "49b",
    "length and chunks at once",
    does="Content-Length beside Transfer-Encoding: chunked",
    must="bad_response, or the body that the chunks give; the stage lives",
)
def _both_lengths(stall: Stall) -> Check:
    body = rss(stall.host, "flood")
    stall.serve_raw(
        partial(
            _say,
            b"HTTP/1.1 200 Fine\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body),
        )
    )

    def check(drive: Drive) -> None:
        state = drive.poll(1)
        assert drive.names == ["flood"] or state.last_error_class == "bad_response"

    return check


@case("50", "103 first", does="early hints before the answer", must="the 200 counts")
def _early_hints(stall: Stall) -> Check:
    answer = feed(stall.host, "flood").as_bytes()
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
    stall.serve_raw(partial(_say, hints + answer))

    def check(drive: Drive) -> None:
        drive.poll(1)
        assert drive.names == ["flood"]

    return check


@case(
    "51",
    "a certificate nobody knows",
    does="TLS signed by itself",
    must="tls with a reason; no attempt without TLS",
)
def _bad_certificate(stall: Stall) -> Check:
    stall.scheme = "https"
    stall.place("tls")
    stall.serve(feed(stall.host, "flood"))

    def check(drive: Drive) -> None:
        drive.configure(robots="ignore")
        state = drive.poll(1)
        assert state.last_error_class == "tls"
        assert "self" in state.last_error_text or "certificate" in state.last_error_text
        assert drive.asked == []

    return check


@case(
    "52",
    "TLS stall",
    does="takes the connection and never shakes hands",
    must="timeout; no attempt without TLS",
)
def _tls_stall(stall: Stall) -> Check:
    stall.scheme = "https"
    stall.place("mute")

    def check(drive: Drive) -> None:
        drive.configure(robots="ignore")
        assert drive.poll(1).last_error_class == "timeout"

    return check


def _texts(number: str, name: str, does: str, body: Callable[[str], bytes], header: str) -> None:
    @case(number, name, does=does, must="the text is right")
    def _set_up(stall: Stall) -> Check:
        stall.serve(sent(body(stall.host), Content_Type=header))

        def check(drive: Drive) -> None:
            drive.poll(1)
            assert drive.titles == [_TITLES[number]]

        return check


_TITLES = {
    "53a": "Über den Fluß",
    "53b": "Мост через Неву",
    "54a": "港の橋",
    "54b": "Über den Fluß",
    "54c": "Über den Fluß",
}


def _titled(title: str, encoding: str, host: str) -> str:
    return (
        f'<?xml version="1.0" encoding="{encoding}"?><rss version="2.0"><channel>'
        f"<title>t</title><item><title>{title}</title><link>http://{host}/a/1</link></item>"
        f"</channel></rss>"
    )


_XML = "application/rss+xml"
_texts(
    "53a", "UTF-8 under a latin-1 prolog", "the prolog lies",
    lambda host: _titled(_TITLES["53a"], "ISO-8859-1", host).encode(), _XML,
)  # fmt: skip
_texts(
    "53b", "windows-1251 under a UTF-8 prolog", "the header is right, the prolog lies",
    lambda host: _titled(_TITLES["53b"], "utf-8", host).encode("windows-1251"),
    f"{_XML}; charset=windows-1251",
)  # fmt: skip
_texts(
    "54a", "ISO-2022-JP", "seven-bit bytes that are valid UTF-8",
    lambda host: _titled(_TITLES["54a"], "ISO-2022-JP", host).encode("iso-2022-jp"), _XML,
)  # fmt: skip
_texts(
    "54b", "UTF-16 without BOM", "every second byte is NUL",
    lambda host: _titled(_TITLES["54b"], "UTF-16", host).encode("utf-16-le"), _XML,
)  # fmt: skip
_texts(
    "54c", "a BOM against the header", "UTF-8 with BOM, the header says latin-1",
    lambda host: b"\xef\xbb\xbf" + _titled(_TITLES["54c"], "utf-8", host).encode(),
    f"{_XML}; charset=iso-8859-1",
)  # fmt: skip


@case(
    "55",
    "control characters",
    does="a vertical tab in a title",
    must="the entries are taken; an oddity",
)
def _control(stall: Stall) -> Check:
    body = channel(stall.host, item("flood", stall.host), item("bridge", stall.host))
    stall.serve(sent(body.replace(b"The flood", b"The \x0bflood")))

    def check(drive: Drive) -> None:
        drive.poll(1)
        assert drive.names == ["bridge", "flood"]

    return check


@case(
    "56a",
    "RSS as text/html",
    does="a wrong content type",
    must="parsed: content tells the format",
)
def _as_html(stall: Stall) -> Check:
    stall.serve(sent(rss(stall.host, "flood"), Content_Type="text/html"))

    def check(drive: Drive) -> None:
        drive.poll(1)
        assert drive.names == ["flood"]

    return check


@case("56b", "JSON Feed as text/plain", does="a wrong content type", must="parsed")
def _as_plain(stall: Stall) -> Check:
    body = (
        '{"version": "https://jsonfeed.org/version/1.1", "title": "t", "items": [{"id": 7, '
        f'"url": "http://{stall.host}/a/flood", "content_text": "The flood"}}]}}'
    )
    stall.serve(sent(body.encode(), Content_Type="text/plain"))

    def check(drive: Drive) -> None:
        drive.poll(1)
        assert drive.names == ["flood"]

    return check
