"""Decodes the body of a response in a WARC record, up to a maximum size."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from io import BytesIO
from typing import Any

import brotli
import zstandard
from warcio.bufferedreaders import ChunkedDataReader

_GZIP = b"\x1f\x8b"
#: Some crawlers store the body decoded and keep its Content-Encoding header.
_PLAIN = re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*<", re.DOTALL)
#: Maximum number of encodings of one body.
_MAX_ENCODINGS = 3


def body_of(record: Any, max_bytes: int) -> bytes:
    """Return the decoded body of a response or resource; at most `max_bytes` and one byte.

    Errors: ValueError if its encoding is unknown or its data is incomplete.
    """
    data: bytes = record.raw_stream.read()
    headers = record.http_headers
    if headers is None:
        return data[: max_bytes + 1]
    if "chunked" in (headers.get_header("Transfer-Encoding") or "").lower():
        data = ChunkedDataReader(BytesIO(data)).read()
    named = (headers.get_header("Content-Encoding") or "").lower()
    encodings = [name.strip() for name in named.split(",") if name.strip() not in ("", "identity")]
    if len(encodings) > _MAX_ENCODINGS:
        raise ValueError(f"too many encodings: {named[:100]}")
    for name in reversed(encodings):
        data = _unpacked(data, name, max_bytes)
    return data[: max_bytes + 1]


def _unpacked(data: bytes, encoding: str, max_bytes: int) -> bytes:
    unpack = _UNPACKERS.get(encoding)
    if unpack is None:
        if _PLAIN.match(data):
            return data
        raise ValueError(f"unknown encoding {encoding[:100]}")
    try:
        return unpack(data, max_bytes + 1)
    except (zlib.error, brotli.error, zstandard.ZstdError) as error:
        if _PLAIN.match(data):
            return data
        raise ValueError(f"cannot be decoded as {encoding}: {error}") from error


def _gunzipped(data: bytes, limit: int) -> bytes:
    parts: list[bytes] = []
    left = limit
    while left > 0 and (data.startswith(_GZIP) or not parts):
        unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
        part = unpacker.decompress(data, left)
        parts.append(part)
        left -= len(part)
        data = unpacker.unused_data
        if not data:
            break
    return b"".join(parts)


def _inflated(data: bytes, limit: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, limit)
    except zlib.error:  # some old servers send raw deflate data
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, limit)


def _from_brotli(data: bytes, limit: int) -> bytes:
    unpacker = brotli.Decompressor()
    parts = [unpacker.process(data, output_buffer_limit=limit)]
    size = len(parts[0])
    while size < limit and not unpacker.is_finished():
        part = unpacker.process(b"", output_buffer_limit=limit - size)
        if not part:
            break
        parts.append(part)
        size += len(part)
    return b"".join(parts)[:limit]


def _from_zstd(data: bytes, limit: int) -> bytes:
    with zstandard.ZstdDecompressor().stream_reader(
        BytesIO(data), read_across_frames=True
    ) as reader:
        return bytes(reader.read(limit))


_UNPACKERS: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": _gunzipped,
    "x-gzip": _gunzipped,
    "deflate": _inflated,
    "br": _from_brotli,
    "zstd": _from_zstd,
}
