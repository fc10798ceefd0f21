"""One child process as the parent sees it: its pipes, what it was given, how it died."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from collections import deque
from typing import Any

import msgspec

from ingest.children.frames import LENGTH, Start, frame
from ingest.errors import NewsIngestError

#: A child imports for 0.3 s of CPU; a machine under load takes its time.
START_TIMEOUT_SECONDS = 120.0
_READ_BYTES = 1 << 20
#: How far back a look at the child's processor time may lie when an item begins.
_LOOK_SECONDS = 0.2
#: For glibc: memory freed after one item stays for the next. Giving it back and asking again cost
#: 70 page faults a page of news. A child that grew all the same is replaced (`recycle_bytes`).
_ALLOCATOR = {
    "MALLOC_TRIM_THRESHOLD_": str(64 * 1024 * 1024),
    "MALLOC_TOP_PAD_": str(4 * 1024 * 1024),
    "MALLOC_MMAP_THRESHOLD_": str(8 * 1024 * 1024),
}


class ChildFailure(msgspec.Struct, frozen=True):
    """Why one item has no result.

    `kind` is killed_time (it took longer than the timeout), killed_memory (it wanted more than
    a child may have, or the kernel ended the child), crashed (the child died of a signal or left
    by itself), raised (the work raised; `message` names the exception).
    """

    kind: str
    message: str = ""
    stacktrace: str = ""


class Child:
    """One child process and what it has been given to do.

    Errors: NewsIngestError when the process cannot be started.
    """

    def __init__(self, start: Start) -> None:
        self.process = _started(start.target)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.sink = self.process.stdin.fileno()
        self.source = self.process.stdout.fileno()
        os.set_blocking(self.sink, False)
        os.set_blocking(self.source, False)
        self.is_ready = False
        self.is_usable = True
        self.deadline = time.monotonic() + START_TIMEOUT_SECONDS
        #: Numbers of the items given and not yet answered; the first is being worked on.
        self.waiting: deque[int] = deque()
        self.is_busy = False
        self._processor_seconds = 0.0
        self._looked_at = float("-inf")
        self._had_more_time = False
        self._incoming = bytearray()
        self._outgoing: deque[memoryview] = deque()
        self.send(pickle.dumps(start, protocol=5))

    def began_item(self, timeout_seconds: float) -> None:
        """Start the clock for the item that the child works on now."""
        now = time.monotonic()
        self.deadline = now + timeout_seconds
        self._had_more_time = False
        if now - self._looked_at > _LOOK_SECONDS:  # a look is dear beside a small item
            self._looked_at = now
            self._processor_seconds = processor_time(self.process.pid)[0]

    def gets_more_time(self, timeout_seconds: float) -> bool:
        """Return a late child its time once more, if the machine kept the processor from it.

        So it is when the child wants to run and had less than half of the time for itself: a
        page is killed for what it is, not for what else the machine does.
        """
        used, wants_to_run = processor_time(self.process.pid)
        is_starved = used - self._processor_seconds < timeout_seconds / 2
        if self._had_more_time or not (wants_to_run and is_starved):
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
        """Write what the pipe takes now; a dead child is noticed where its answers are read."""
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
        """Return the messages that came, and whether more can come."""
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
        """Close the pipe, which is how a child learns that it may go."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def end(self) -> int:
        """End the process, at once if it is at work, and give its return code."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        if not self.is_usable or self.is_busy:
            self.process.kill()
        self.process.stdin.close()
        try:
            return self.process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            self.process.stdout.close()


def cause_of_death(child: Child) -> ChildFailure:
    """Tell why a child died that nobody here killed."""
    try:
        code = child.process.wait(timeout=2)
    except subprocess.TimeoutExpired:
        return ChildFailure("crashed", "closed its pipe and went on")
    if code == -signal.SIGKILL:
        return ChildFailure("killed_memory", "killed by the kernel or another process (SIGKILL)")
    if code < 0:
        return ChildFailure("crashed", f"died of {signal.Signals(-code).name}")
    return ChildFailure("crashed", f"left with exit code {code}")


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
            remedy="is there memory and room for another process?",
        ) from error


def processor_time(process_id: int) -> tuple[float, bool]:
    """Return the processor seconds a process has had, and whether it wants to run now.

    (0, False) where /proc does not tell.
    """
    try:
        with open(f"/proc/{process_id}/stat", "rb") as file:
            fields = file.read().rpartition(b") ")[2].split()
        ticks = int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK"), fields[0] == b"R"
    except (OSError, ValueError, IndexError):
        return 0.0, False
