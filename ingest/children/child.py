"""One child process as the parent sees it, and one run of items through several children."""

from __future__ import annotations

import math
import os
import pickle
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

import msgspec

from ingest.children.frames import LENGTH, Start, frame
from ingest.errors import NewsIngestError

#: The imports of a child take 0.3 s of CPU time; on a loaded machine this may take long.
START_TIMEOUT_SECONDS = 120.0
_READ_BYTES = 1 << 20
#: Maximum age of the measured processor time of a child when an item begins.
_MEASURE_SECONDS = 0.2
#: For glibc: memory freed after one item is kept for the next. Returning it to the system costs 70
#: page faults per news page. A child that grew too large is replaced (`recycle_bytes`).
_ALLOCATOR = {
    "MALLOC_TRIM_THRESHOLD_": str(64 * 1024 * 1024),
    "MALLOC_TOP_PAD_": str(4 * 1024 * 1024),
    "MALLOC_MMAP_THRESHOLD_": str(8 * 1024 * 1024),
}

#: Maximum number of items in a chunk: with chunks, two children do 1.98 times the work of one, with
#: single items 1.83 times.
CHUNK_ITEMS = 16
_CHUNK_BYTES = 8 * 1024 * 1024
_START_ATTEMPTS = 3


class ChildFailure(msgspec.Struct, frozen=True):
    """Why one item has no result.

    `kind` is killed_time (it took longer than the timeout), killed_memory (it needed more memory
    than allowed, or the kernel killed the child), crashed (the child exited or was killed by a
    signal), raised (the work raised; `message` names the exception).
    """

    kind: str
    message: str = ""
    stacktrace: str = ""


class Child:
    """One child process and the items it was sent.

    Errors: NewsIngestError if the process cannot be started.
    """

    def __init__(self, start: Start) -> None:
        self.process = _started(start.target)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._stdin, self._stdout = self.process.stdin, self.process.stdout
        self.sink, self.source = self._stdin.fileno(), self._stdout.fileno()
        os.set_blocking(self.sink, False)
        os.set_blocking(self.source, False)
        self.is_ready = False
        self.is_usable = True
        self.deadline = time.monotonic() + START_TIMEOUT_SECONDS
        #: Numbers of the items sent and not yet answered; the child works on the first.
        self.waiting: deque[int] = deque()
        self.is_busy = False
        self._processor_seconds = 0.0
        self._measured_at = float("-inf")
        self._had_more_time = False
        self._incoming = bytearray()
        self._outgoing: deque[memoryview] = deque()
        self.send(pickle.dumps(start, protocol=5))

    def began_item(self, timeout_seconds: float) -> None:
        """Set the deadline of the item that the child works on now."""
        now = time.monotonic()
        self.deadline = now + timeout_seconds
        self._had_more_time = False
        if now - self._measured_at > _MEASURE_SECONDS:  # expensive compared with a small item
            self._measured_at = now
            self._processor_seconds = processor_time(self.process.pid)[0]

    def gets_more_time(self, timeout_seconds: float) -> bool:
        """Extend the deadline of a late child once, if other processes kept it from running.

        That is the case if the child is runnable and had the processor for less than half of the
        time: a page must not be killed because the machine is busy. Return whether it was extended.
        """
        used, is_runnable = processor_time(self.process.pid)
        is_starved = used - self._processor_seconds < timeout_seconds / 2
        if self._had_more_time or not (is_runnable and is_starved):
            return False
        self._had_more_time = True
        self.deadline = time.monotonic() + timeout_seconds
        return True

    def send(self, payload: bytes) -> None:
        self._outgoing.append(memoryview(frame(payload)))
        self.write()

    @property
    def has_outgoing(self) -> bool:
        return bool(self._outgoing)

    def write(self) -> None:
        """Write what fits into the pipe; a dead child is noticed when its answers are read."""
        try:
            while self._outgoing:
                written = os.write(self.sink, self._outgoing[0])
                if written == len(self._outgoing[0]):
                    self._outgoing.popleft()
                else:
                    self._outgoing[0] = self._outgoing[0][written:]
        except BlockingIOError:
            pass
        except BrokenPipeError:
            self._outgoing.clear()

    def read(self) -> tuple[list[tuple[str, Any]], bool]:
        """Return the messages received, and whether the pipe is still open."""
        try:
            data = os.read(self.source, _READ_BYTES)
        except BlockingIOError:
            return [], True
        self._incoming += data
        return self._messages(), bool(data)

    def _messages(self) -> list[tuple[str, Any]]:
        messages = []
        while len(self._incoming) >= LENGTH.size:
            end = LENGTH.size + LENGTH.unpack_from(self._incoming)[0]
            if len(self._incoming) < end:
                break
            with memoryview(self._incoming) as view:
                messages.append(pickle.loads(view[LENGTH.size : end]))  # noqa: S301 - our child
            del self._incoming[:end]
        return messages

    def hang_up(self) -> None:
        """Close the pipe, which tells a child to exit."""
        self._stdin.close()

    def end(self) -> int:
        """End the process, at once if it is working, and return its exit code."""
        if not self.is_usable or self.is_busy:
            self.process.kill()
        self._stdin.close()
        try:
            return self.process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            self._stdout.close()


class Run:
    """One call of `map`: sends items to the borrowed children and collects the results.

    Children may be replaced, so `children` may hold others at the end, but as many.
    """

    def __init__(
        self, start: Start, recycle_bytes: int, items: Sequence[Any], children: list[Child]
    ) -> None:
        self.children = children
        self._start = start
        self._recycle_bytes = recycle_bytes
        self._items = items
        self._todo: deque[int] = deque(range(len(items)))
        self._done: dict[int, Any] = {}
        self._failed_starts = 0

    def results(self) -> list[Any | ChildFailure]:
        """Return a result or a ChildFailure for each item, in order. Errors: NewsIngestError."""
        with selectors.DefaultSelector() as selector:
            self._selector = selector
            for child in self.children:
                if not child.is_ready:
                    child.deadline = time.monotonic() + START_TIMEOUT_SECONDS
            for child in self.children:
                self._watch(child)
            try:
                while len(self._done) < len(self._items):
                    self._hand_out()
                    self._step()
                while any(child.is_busy and child.is_usable for child in self.children):
                    self._step()
            except BaseException:
                for child in self.children:
                    child.is_usable = False
                raise
        return [self._done[number] for number in range(len(self._items))]

    def _watch(self, child: Child) -> None:
        self._selector.register(child.source, selectors.EVENT_READ, child)
        if child.has_outgoing:
            self._selector.register(child.sink, selectors.EVENT_WRITE, child)

    def _forget(self, child: Child) -> None:
        for descriptor in (child.source, child.sink):
            if descriptor in self._selector.get_map():
                self._selector.unregister(descriptor)

    def _hand_out(self) -> None:
        for child in self.children:
            if self._todo and child.is_ready and not child.is_busy:
                self._give_chunk(child)

    def _give_chunk(self, child: Child) -> None:
        """Send a child a chunk that leaves enough for the others, smaller towards the end."""
        share = 1 if len(self.children) == 1 else 2 * len(self.children)
        most = min(CHUNK_ITEMS, max(1, math.ceil(len(self._todo) / share)))
        chunk: list[bytes] = []
        size = 0
        while self._todo and len(chunk) < most and size < _CHUNK_BYTES:
            number = self._todo.popleft()
            try:
                pickled = pickle.dumps(self._items[number], protocol=5)
            except Exception as error:  # noqa: BLE001 - only the item that cannot be sent fails
                self._done[number] = ChildFailure("raised", f"{type(error).__name__}: {error}")
                continue
            chunk.append(pickled)
            child.waiting.append(number)
            size += len(pickled)
        if chunk:
            child.is_busy = True
            child.began_item(self._start.timeout_seconds)
            child.send(pickle.dumps(chunk, protocol=5))
            if child.has_outgoing and child.sink not in self._selector.get_map():
                self._selector.register(child.sink, selectors.EVENT_WRITE, child)

    def _step(self) -> None:
        """Wait for answers or the next deadline, and handle them."""
        bounds = [c.deadline for c in self.children if c.is_busy or not c.is_ready]
        if not bounds:
            return
        wait = max(0.0, min(bounds) - time.monotonic())
        for key, events in self._selector.select(wait):
            child: Child = key.data
            if child not in self.children:
                continue
            if events & selectors.EVENT_WRITE:
                child.write()
                if not child.has_outgoing:
                    self._selector.unregister(child.sink)
            if events & selectors.EVENT_READ:
                self._take_answers(child)
        now = time.monotonic()
        for child in list(self.children):
            if now >= child.deadline and (child.is_busy or not child.is_ready):
                self._kill_late(child)

    def _take_answers(self, child: Child) -> None:
        messages, is_open = child.read()
        for kind, content in messages:
            if kind == "ready":
                child.is_ready = True
                self._failed_starts = 0
            elif kind == "not_started":
                raise NewsIngestError(
                    f"a child process could not load its work: {content[0]}",
                    value=self._start.target,
                    origin=content[1],
                )
            elif kind == "chunk_done":
                child.is_busy = False
                if 0 < self._recycle_bytes < content:
                    self._replace(child)
                    return
            else:
                is_result = kind == "result"
                self._done[child.waiting.popleft()] = (
                    content if is_result else ChildFailure(*content)
                )
                child.began_item(self._start.timeout_seconds)
                if not is_result and content[0] == "killed_memory":
                    self._replace(child)
                    return
        if not is_open:
            self._replace(child, ChildFailure("crashed"))

    def _kill_late(self, child: Child) -> None:
        seconds = self._start.timeout_seconds
        if child.is_ready and child.gets_more_time(seconds):
            return
        self._replace(child, ChildFailure("killed_time", f"not done after {seconds:g} s"))

    def _replace(self, child: Child, failure: ChildFailure | None = None) -> None:
        """Replace a child by a new one.

        With a failure, the item it was working on fails; the rest of its chunk is sent again.
        """
        self._forget(child)
        child.is_usable = False
        was_ready = child.is_ready
        if failure is not None and failure.kind == "crashed":
            failure = crash_of(child)
        child.end()
        if failure is not None and child.waiting:
            self._done[child.waiting.popleft()] = failure
        self._todo.extendleft(reversed(child.waiting))
        child.waiting.clear()
        if not was_ready:
            self._failed_starts += 1
            if self._failed_starts >= _START_ATTEMPTS:
                raise NewsIngestError(
                    "child processes die before they are ready",
                    value=self._start.target,
                    remedy="see stderr, and check free memory",
                )
        place = self.children.index(child)
        self.children[place] = fresh = Child(self._start)
        self._watch(fresh)


def crash_of(child: Child) -> ChildFailure:
    """Return why a child died that was not killed by this process."""
    try:
        code = child.process.wait(timeout=2)
    except subprocess.TimeoutExpired:
        return ChildFailure("crashed", "closed its pipe and kept running")
    if code == -signal.SIGKILL:
        return ChildFailure("killed_memory", "killed by the kernel or another process (SIGKILL)")
    if code < 0:
        return ChildFailure("crashed", f"killed by {signal.Signals(-code).name}")
    return ChildFailure("crashed", f"exited with status {code}")


def processor_time(process_id: int) -> tuple[float, bool]:
    """Return the processor seconds that a process has used, and whether it is runnable.

    (0, False) without /proc.
    """
    try:
        with open(f"/proc/{process_id}/stat", "rb") as file:
            fields = file.read().rpartition(b") ")[2].split()
        ticks = int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK"), fields[0] == b"R"
    except (OSError, ValueError, IndexError):
        return 0.0, False


def _started(target: str) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-P", "-m", "ingest.children.main", target],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            env={
                **_ALLOCATOR,
                **os.environ,
                "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            },
        )
    except OSError as error:
        raise NewsIngestError(
            f"a child process cannot be started: {error}",
            value=target,
            remedy="check free memory and the limit of processes",
        ) from error
