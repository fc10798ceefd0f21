"""The protocol on the pipes between parent and child.

A frame is eight bytes of length (big endian) and a pickle. The parent sends one `Start`, then
chunks (lists of pickled items). The child answers `("ready", None)` or `("not_started", …)`, then
one frame per item, `("result", value)` or `("failure", (kind, message, stacktrace))`, and
`("chunk_done", resident bytes)` after each chunk. With the answer to one item, the next one has
started.
"""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

LENGTH = struct.Struct(">Q")


class Start(NamedTuple):
    """The first frame that a child receives.

    `memory_bytes` limits its address space, `growth_bytes` the growth after the work is loaded; 0
    means no limit.
    """

    target: str
    arguments: tuple[Any, ...]
    memory_bytes: int
    timeout_seconds: float
    growth_bytes: int = 0


def frame(payload: bytes) -> bytes:
    """Return the payload with its length in front."""
    return LENGTH.pack(len(payload)) + payload
