"""Processes of real servers that tests start: Java, ports, caches, an end that always comes."""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import SystemRandom
from typing import NamedTuple

#: When the process that started a server is gone, kills the group of the server and removes
#: its folder; ends when the group does.
_WATCHDOG = """
import os, shutil, sys, time
parent, group = int(sys.argv[1]), int(sys.argv[2])
while os.getppid() == parent:
    time.sleep(0.5)
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        sys.exit()
try:
    os.killpg(group, 9)
except ProcessLookupError:
    pass
time.sleep(1)
shutil.rmtree(sys.argv[3], ignore_errors=True)
"""


class ServerMissing(Exception):  # noqa: N818 - named like the errors of ingest
    """A server is not available here; the text is one line that names what to install."""


class Java(NamedTuple):
    """A Java found on this machine. `is_full` is a JDK whose modules name jdk.jlink."""

    version: tuple[int, ...]
    home: Path
    is_full: bool

    @property
    def program(self) -> str:
        return str(self.home / "bin" / "java")


def javas() -> list[Java]:
    """Return every Java of this machine, newest first.

    `NEWS_INGEST_TEST_JAVA_HOME` alone when set, else those of JAVA_HOME, PATH and /usr/lib/jvm.
    """
    chosen = os.environ.get("NEWS_INGEST_TEST_JAVA_HOME")
    if chosen:
        homes = [Path(chosen)]
    else:
        found = shutil.which("java")
        homes = [Path(os.environ[name]) for name in ("JAVA_HOME",) if os.environ.get(name)]
        homes += [Path(found).resolve().parent.parent] if found else []
        homes += sorted(Path("/usr/lib/jvm").glob("*"))
    programs = {(home / "bin/java").resolve() for home in homes if (home / "bin/java").exists()}
    return sorted((_java(program.parent.parent) for program in programs), reverse=True)


def _java(home: Path) -> Java:
    answer = subprocess.run(
        [home / "bin/java", "-version"], capture_output=True, text=True, check=True
    ).stderr
    match = re.search(r'version "([0-9.]+)', answer)
    version = tuple(int(part) for part in match[1].split(".") if part) if match else (0,)
    modules = subprocess.run(
        [home / "bin/java", "--list-modules"], capture_output=True, text=True, check=False
    ).stdout
    return Java(version, home, "jdk.jlink" in modules)


def cache_folder() -> Path:
    """Return the folder that keeps fetched servers between runs."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(root) / "news-ingest"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def locked(name: str):
    """Hold the lock of this name in the cache, so that parallel runs fill it once."""
    with (cache_folder() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def cached(name: str, fill: Callable[[Path], None]) -> Path:
    """Return the folder of this name in the cache; `fill` makes its content when it is missing."""
    target = cache_folder() / name
    if target.is_dir():
        return target
    with locked(name):
        if not target.is_dir():
            with tempfile.TemporaryDirectory(dir=cache_folder(), prefix=f"{name}.") as folder:
                fill(Path(folder))
                Path(folder).chmod(0o755)
                Path(folder).rename(target)
                Path(folder).mkdir()  # for the removal of the temporary folder
    return target


def maven(*arguments: str) -> None:
    """Run Maven quietly. Errors: ServerMissing with the last lines it wrote."""
    program = shutil.which("mvn")
    if program is None:
        raise ServerMissing("no Maven here: install the package maven")
    done = subprocess.run(
        [program, "-q", "-B", "-ntp", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ServerMissing(f"Maven could not fetch it: {' '.join(done.stdout.split())[-400:]}")


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on, between 20000 and 30000: no client is given those."""
    sockets: list[socket.socket] = []
    try:
        while len(sockets) < count:
            candidate = socket.socket()
            sockets.append(candidate)
            try:
                candidate.bind(("127.0.0.1", SystemRandom().randrange(20_000, 30_000)))
            except OSError:
                sockets.pop().close()
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


class ServerProcess:
    """One server in its own process group, which never outlives the process that started it.

    The folder of `output` is removed should that process be killed.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        output: Path,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        user: int | None = None,
    ) -> None:
        self.output = output
        with output.open("ab") as stream:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=None if environment is None else dict(environment),
                start_new_session=True,
                user=user,
                group=user,
                extra_groups=None if user is None else [],
            )
        self._watchdog = subprocess.Popen(
            [
                *(sys.executable, "-I", "-S", "-c", _WATCHDOG),
                *(str(os.getpid()), str(self.pid), str(output.parent)),
            ],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        _alive.add(self)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def wait_until_ready(self, is_ready: Callable[[], bool], seconds: float) -> None:
        """Wait for a server to answer. Errors: RuntimeError with the end of its output."""
        until = time.monotonic() + seconds
        while not is_ready():
            if not self.is_running or time.monotonic() > until:
                ended = self._process.poll()
                self.end(signal.SIGKILL)
                raise RuntimeError(
                    f"server not ready (exit code {ended}):\n{self.output.read_text()[-3000:]}"
                )
            time.sleep(0.05)

    def end(self, number: int = signal.SIGTERM, seconds: float = 30.0) -> int:
        """Return the exit code after this signal; SIGKILL to the whole group past the seconds."""
        if self.is_running:
            self._send(number)
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass
        self._send(signal.SIGKILL)
        code = self._process.wait()
        self._watchdog.kill()
        self._watchdog.wait()
        _alive.discard(self)
        return code

    def freeze(self) -> None:
        """Stop the server as a debugger would; `thaw` lets it go on."""
        self._send(signal.SIGSTOP)
        until = time.monotonic() + 10
        while self._is_running_now() and time.monotonic() < until:
            time.sleep(0.01)

    def _is_running_now(self) -> bool:
        """Return whether any process of the group has not stopped yet."""
        import psutil

        if self._process is None:
            return False
        try:
            parent = psutil.Process(self._process.pid)
            states = [one.status() for one in (parent, *parent.children(recursive=True))]
        except psutil.Error:
            return False
        return any(state != psutil.STATUS_STOPPED for state in states)

    def thaw(self) -> None:
        self._send(signal.SIGCONT)

    def _send(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)


_alive: weakref.WeakSet[ServerProcess] = weakref.WeakSet()


@atexit.register
def _end_all() -> None:
    for process in list(_alive):
        process.end(signal.SIGKILL)


def run_by_hand(
    fetch: Callable[[], object], start: Callable[[], tuple[str, Callable[[], None]]]
) -> None:
    """Run a server until Ctrl-C and print its address; with --fetch only fill the cache."""
    # Set, not inherited: what a shell starts in the background ignores SIGINT.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        if "--fetch" in sys.argv[1:]:
            fetch()
            return
        address, stop = start()
    except ServerMissing as missing:
        sys.exit(str(missing))
    print(address, flush=True)
    try:
        signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        stop()
