"""Reads a body within a bound on its unpacked bytes."""

from __future__ import annotations

import zlib
from asyncio import Semaphore

from aiohttp import StreamReader

from ingest.errors import FetchFailed

_CHUNK_BYTES = 64 * 1024
#: A body over this needs room: else a hundred large ones at once would fill the memory.
_LARGE_BYTES = 1024 * 1024
#: So many large bodies are read side by side.
LARGE_BODIES = 3
_GZIP = b"\x1f\x8b"
#: Layers of gzip unpacked beyond what Content-Encoding names.
_LAYERS = 2


async def read_body(
    content: StreamReader, url: str, max_bytes: int, room: Semaphore, *, is_cut: bool = False
) -> tuple[bytes, int]:
    """Return the unpacked body and how many bytes came over the wire.

    Reading stops at `max_bytes`: with `is_cut` the body ends there, else it is an error. gzip
    that no header names is unpacked too, up to two layers, under the same bound. A large body
    waits for `room` within its request's time.
    Errors: FetchFailed, body_too_large or bad_response; those of aiohttp.
    """
    read = bytearray()  # one large block, which the system gets back as a whole
    has_room = False
    try:
        async for chunk in content.iter_chunked(_CHUNK_BYTES):
            read += chunk
            if len(read) > max_bytes:
                break
            if len(read) > _LARGE_BYTES and not has_room:
                await room.acquire()
                has_room = True
    finally:
        if has_room:
            room.release()
    if len(read) > max_bytes and not is_cut:
        raise _too_large(url, max_bytes)
    body = bytes(read)
    del read
    # The reader of an answer without any body, as a 304, does not know the attribute.
    wire_bytes = getattr(content, "total_compressed_bytes", None) or len(body)
    for _ in range(_LAYERS):
        if body.startswith(_GZIP) and len(body) <= max_bytes:
            body = _gunzipped(body, url, max_bytes)
    if len(body) > max_bytes:
        if not is_cut:
            raise _too_large(url, max_bytes)
        body = body[:max_bytes]
    return body, wire_bytes


def _too_large(url: str, max_bytes: int) -> FetchFailed:
    return FetchFailed(
        f"the body is larger than {max_bytes} bytes when unpacked",
        kind="body_too_large",
        value=url,
    )


def _gunzipped(data: bytes, url: str, max_bytes: int) -> bytes:
    """Return the unpacked members of a gzip file, at most one byte more than `max_bytes`."""
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
