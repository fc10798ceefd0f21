"""What goes over the pipes between parent and child.

Frames both ways: eight bytes of length (big endian), then a pickle. The parent sends one `Start`,
then chunks (lists of pickled items). The child answers `("ready", None)` or `("not_started", …)`,
then one frame an item, `("result", value)` or `("failure", (kind, message, stacktrace))`, and
`("chunk_done", resident bytes)` after each chunk. The answer to one item tells the parent that
the next one has begun.
"""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

LENGTH = struct.Struct(">Q")


class Start(NamedTuple):
    """The first frame a child gets.

    `memory_bytes` bounds its address space, `growth_bytes` what comes to it once the work is
    loaded; 0 is no bound.
    """

    target: str
    arguments: tuple[Any, ...]
    memory_bytes: int
    timeout_seconds: float
    growth_bytes: int = 0


def frame(payload: bytes) -> bytes:
    """Return the payload with its length before it."""
    return LENGTH.pack(len(payload)) + payload
