"""The program of a child process: receives items and sends results (see frames.py)."""

from __future__ import annotations

import contextlib
import gc
import importlib
import logging
import os
import pickle
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any

from ingest.children.frames import LENGTH, Start, frame

_STACKTRACE_CHARACTERS = 8000


def main() -> None:
    """Work until the parent closes the pipe or dies."""
    # The parent ends a child by closing the pipe or by SIGKILL; a signal to the whole process
    # group must not interrupt the page that is being processed.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    logging.disable(logging.CRITICAL)
    source, sink = _private_pipes()
    first = _receive(source)
    if first is None:
        return
    start: Start = pickle.loads(first)  # noqa: S301 - the parent's own bytes
    try:
        work = _load(start)
    except BaseException as error:  # noqa: BLE001 - sent to the parent, which raises it
        _send(sink, ("not_started", (_sentence(error), _trace())))
        return
    _send(sink, ("ready", None))
    while (chunk := _receive(source)) is not None:
        for item in pickle.loads(chunk):  # noqa: S301 - the parent's own bytes
            # Last resort for a child that hangs in C code after its parent died: the kernel kills
            # it without running Python. The timeout of the parent is always earlier.
            signal.setitimer(signal.ITIMER_REAL, 2 * start.timeout_seconds + 5)
            answer, is_last = _answer(work, item)
            signal.setitimer(signal.ITIMER_REAL, 0)
            _write(sink, answer)
            if is_last:
                return
        _send(sink, ("chunk_done", resident_bytes()))


def resident_bytes() -> int:
    """Return the resident memory of this process in bytes; its peak on systems without /proc."""
    try:
        return _statm_bytes(1)
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def _statm_bytes(field: int) -> int:
    """Return the address space (0) or its resident part (1). Errors: OSError without /proc."""
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[field]) * resource.getpagesize()


def _private_pipes() -> tuple[int, int]:
    """Return the pipes from and to the parent; output of libraries is redirected to stderr."""
    source, sink = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    return source, sink


def _load(start: Start) -> Callable[[Any], Any]:
    module, _, name = start.target.partition(":")
    factory = getattr(importlib.import_module(module), name)
    work: Callable[[Any], Any] = factory(*start.arguments)
    gc.collect()
    gc.freeze()
    bounds = [start.memory_bytes] if start.memory_bytes else []
    if start.growth_bytes:
        with contextlib.suppress(OSError):
            bounds.append(_statm_bytes(0) + start.growth_bytes)
    if bounds:
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        bound = min(bounds)
        if hard != resource.RLIM_INFINITY:
            bound = min(bound, hard)
        with contextlib.suppress(ValueError, OSError):  # not supported by all systems
            resource.setrlimit(resource.RLIMIT_AS, (bound, hard))
    return work


def _answer(work: Callable[[Any], Any], item: bytes) -> tuple[bytes, bool]:
    """Return the pickled answer for one item, and whether this child must exit after it."""
    try:
        result = work(pickle.loads(item))  # noqa: S301 - the parent's own bytes
        return pickle.dumps(("result", result), protocol=5), False
    except MemoryError:
        pass
    except BaseException as error:  # noqa: BLE001 - becomes the failure of this item
        text = _sentence(error)
        if "emory alloc" not in text:  # libxml2's message for an exhausted address space
            failure = ("raised", text, _trace())
            return pickle.dumps(("failure", failure), protocol=5), False
    failure = ("killed_memory", "more memory than a child may use", "")
    return pickle.dumps(("failure", failure), protocol=5), True


def _sentence(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:1000]


def _trace() -> str:
    return traceback.format_exc()[-_STACKTRACE_CHARACTERS:]


def _send(sink: int, message: tuple[str, Any]) -> None:
    _write(sink, pickle.dumps(message, protocol=5))


def _write(sink: int, payload: bytes) -> None:
    view = memoryview(frame(payload))
    try:
        while view:
            view = view[os.write(sink, view) :]
    except BrokenPipeError:
        os._exit(0)  # the parent is gone


def _receive(source: int) -> bytes | None:
    head = _exactly(source, LENGTH.size)
    return None if head is None else _exactly(source, LENGTH.unpack(head)[0])


def _exactly(source: int, count: int) -> bytes | None:
    parts = []
    while count:
        part = os.read(source, min(count, 1 << 20))
        if not part:
            return None
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


if __name__ == "__main__":
    main()
