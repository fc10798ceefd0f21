"""Bodies and answers that mean to hurt: small on the wire and huge unpacked, or without an end."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import zlib

import brotli
import zstandard

from tests.http_site import Answer, Raw, Seen, redirect

MIB = 1024 * 1024


def gzip_bomb(mebibytes: int) -> bytes:
    """Return this many zero bytes, packed."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    block = bytes(MIB)
    return b"".join(packer.compress(block) for _ in range(mebibytes)) + packer.flush()


def brotli_bomb(mebibytes: int) -> bytes:
    """Return this many zero bytes, packed."""
    packer = brotli.Compressor(quality=5)
    block = bytes(MIB)
    return b"".join(packer.process(block) for _ in range(mebibytes)) + packer.finish()


def zstd_bomb(mebibytes: int) -> bytes:
    """Return this many zero bytes, packed."""
    packer = zstandard.ZstdCompressor(level=3).compressobj()
    block = bytes(MIB)
    return b"".join(packer.compress(block) for _ in range(mebibytes)) + packer.flush()


def gzip_again(packed: bytes) -> bytes:
    """Return this packed once more."""
    return gzip.compress(packed)


def next_redirect(seen: Seen) -> Answer:
    """Return a redirect to one page further, for ever."""
    number = int("".join(filter(str.isdigit, seen.path)) or 0)
    return redirect(f"/{number + 1}")


def billion_laughs() -> bytes:
    """Return a feed of a few hundred bytes whose entities stand for 10⁹ words."""
    names = "abcdefghij"
    inner = [
        f'<!ENTITY {after} "{f"&{before};" * 10}">' for before, after in itertools.pairwise(names)
    ]
    return (
        f'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "ha">{"".join(inner)}]>'
        '<rss version="2.0"><channel><title>&j;</title>'
        "<item><title>&j;</title><link>http://laughs.example/1</link></item></channel></rss>"
    ).encode()


def long_feed(host: str, items: int) -> bytes:
    """Return an RSS feed of this many items."""
    head = f'<?xml version="1.0"?><rss version="2.0"><channel><title>{host}</title>'
    rows = "".join(
        f"<item><title>Row {number}</title><link>http://{host}/row/{number}</link></item>"
        for number in range(items)
    )
    return f"{head}{rows}</channel></rss>".encode()


def nested_feed(depth: int) -> bytes:
    """Return a feed with elements inside each other, so deep."""
    head = b'<?xml version="1.0"?><rss version="2.0"><channel><title>deep</title><item><title>'
    return head + b"<i>" * depth + b"x" + b"</i>" * depth + b"</title></item></channel></rss>"


def many_headers(count: int) -> Raw:
    """Return a play that sends this many header lines."""

    async def play(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 Fine\r\n")
        for first in range(0, count, 1000):
            rows = range(first, min(first + 1000, count))
            writer.write(b"".join(b"X-Row-%d: %s\r\n" % (row, b"x" * 40) for row in rows))
            await writer.drain()
            if writer.is_closing():
                return
        writer.write(b"Content-Length: 0\r\n\r\n")
        await writer.drain()

    return play


def endless_body(mebibytes: int) -> Raw:
    """Return a play that sends a plain body of this many mebibytes as fast as it is taken."""

    async def play(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 Fine\r\nContent-Type: application/rss+xml\r\n\r\n<rss>")
        block = b" " * (64 * 1024)
        for _ in range(mebibytes * 16):
            if writer.is_closing():
                return
            writer.write(block)
            await writer.drain()

    return play


async def drip(writer: asyncio.StreamWriter) -> None:
    """Send one byte a second, for ever."""
    writer.write(b"HTTP/1.1 200 Fine\r\nContent-Type: application/rss+xml\r\n\r\n<rss>")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(1)
