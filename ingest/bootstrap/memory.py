"""Has the C library give memory back that a long-running process needs only now and then."""

from __future__ import annotations

import ctypes

# The numbers of glibc's <malloc.h>.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
#: Blocks from this size on go back to the system as soon as they are freed. Left to itself, the
#: library raises this bound with the first large body, and keeps what follows.
_LARGE_BYTES = 256 * 1024
#: Threads that share their heaps: each of its own would keep what one large body left behind.
_HEAPS = 2


def give_memory_back() -> bool:
    """Set it up for this process, before it has threads; tell whether the library knows how."""
    try:
        tell = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    wishes = (
        (_MMAP_THRESHOLD, _LARGE_BYTES),
        (_TRIM_THRESHOLD, _LARGE_BYTES),
        (_ARENA_MAX, _HEAPS),
    )
    answers = [tell(name, value) for name, value in wishes]
    return all(answer == 1 for answer in answers)
