"""Sets up what a long-running process does with memory that it no longer needs."""

from __future__ import annotations

import ctypes
import gc

# The numbers of glibc's <malloc.h>.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
#: Blocks from this size on go back to the system as soon as they are freed. Left to itself, the
#: library raises this bound with the first large body, and keeps what follows.
_LARGE_BYTES = 256 * 1024
#: Threads that share their heaps: each of its own would keep what one large body left behind.
_HEAPS = 2
#: New objects after which the collector looks for cycles among the young ones. Python's 700 are
#: less than the requests under way hold: it looked at them again and again and found nothing, a
#: fifth of the time of a poll stage with feeds that are unchanged.
_YOUNG_OBJECTS = 50_000


def look_rarely_for_cycles() -> None:
    """Set it up for a process with much under way at once; what has no cycles is freed as before."""
    gc.set_threshold(_YOUNG_OBJECTS, *gc.get_threshold()[1:])


def give_memory_back() -> bool:
    """Let the C library give back what is needed only now and then; tell whether it knows how.

    For this process, before it has threads.
    """
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
