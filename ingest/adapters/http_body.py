"""Reads a body within a bound on its unpacked bytes."""

from __future__ import annotations

import zlib

from aiohttp import StreamReader

from ingest.errors import FetchFailed

_CHUNK_BYTES = 64 * 1024
_GZIP = b"\x1f\x8b"
#: Layers of gzip unpacked beyond what Content-Encoding names (polling.md T2).
_LAYERS = 2


async def read_body(
    content: StreamReader, url: str, max_bytes: int, *, is_cut: bool = False
) -> tuple[bytes, int]:
    """Give the unpacked body and how many bytes came over the wire.

    Reading stops at `max_bytes`: with `is_cut` the body ends there, else it is an error. gzip
    that no header names is unpacked too, up to two layers, under the same bound.
    Errors: FetchFailed, body_too_large or bad_response; those of aiohttp.
    """
    parts: list[bytes] = []
    size = 0
    async for chunk in content.iter_chunked(_CHUNK_BYTES):
        parts.append(chunk)
        size += len(chunk)
        if size > max_bytes:
            break
    body = b"".join(parts)
    # The reader of an answer without any body, as a 304, does not know the attribute.
    wire_bytes = getattr(content, "total_compressed_bytes", None) or len(body)
    for _ in range(_LAYERS):
        if body.startswith(_GZIP) and len(body) <= max_bytes:
            body = _gunzipped(body, url, max_bytes)
    if len(body) > max_bytes:
        if not is_cut:
            raise FetchFailed(
                f"the body is larger than {max_bytes} bytes when unpacked",
                kind="body_too_large",
                value=url,
            )
        body = body[:max_bytes]
    return body, wire_bytes


def _gunzipped(data: bytes, url: str, max_bytes: int) -> bytes:
    """Give the unpacked members of a gzip file, at most one byte more than `max_bytes`."""
    parts: list[bytes] = []
    left = max_bytes + 1
    try:
        while data.startswith(_GZIP) and left > 0:
            unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
            part = unpacker.decompress(data, left)
            parts.append(part)
            left -= len(part)
            if not unpacker.eof and left > 0:
                raise zlib.error("the packed data ends too early")
            data = unpacker.unused_data
    except zlib.error as error:
        raise FetchFailed(
            f"cannot be unpacked as gzip: {error}", kind="bad_response", value=url
        ) from error
    return b"".join(parts)
