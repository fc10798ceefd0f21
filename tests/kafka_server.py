"""A real Apache Kafka broker for tests, from its published jars.

`python -m tests.kafka_server` starts one, prints its address and stays until Ctrl-C;
`--fetch` only fills the cache. Needs a Java runtime 17 or later and, to fill the cache, Maven.
"""

from __future__ import annotations

import hashlib
import logging
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.server_process import (
    Java,
    ServerMissing,
    ServerProcess,
    cached,
    free_ports,
    javas,
    locked,
    maven,
    run_by_hand,
)

POM = Path(__file__).with_name("kafka-pom.xml")
VERSION = re.findall(r"<version>([0-9.]+)</version>", POM.read_text())[1]
PACKAGES = "openjdk-17-jre-headless (or later) and maven"

#: One core and little memory are enough for tests; measured start: 1 to 2 seconds.
FLAGS = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
CLUSTER_ID = "bmV3cy1pbmdlc3QtdGVzdA"

#: One broker that is its own controller, quick after a kill.
SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "num.partitions": "1",
    "auto.create.topics.enable": "false",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "1",
    "group.initial.rebalance.delay.ms": "0",
    "broker.session.timeout.ms": "1000",
    "broker.heartbeat.interval.ms": "200",
    "log.cleaner.backoff.ms": "300",
    "log.retention.check.interval.ms": "500",
    "log.initial.task.delay.ms": "500",
}

_LOG4J = """
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %c: %m%n
rootLogger.level = info
rootLogger.appenderRef.out.ref = out
"""


class KafkaServer:
    """One broker on a folder and a port of its own, both kept over a restart."""

    def __init__(
        self,
        settings: Mapping[str, str] | None = None,
        *,
        password: str = "",
        certificate: Path | None = None,
    ) -> None:
        """`settings` are added to those of SETTINGS. A password opens a second listener,
        `secure_address`, for the user `tester`; with TLS where a certificate is given: a PEM
        file of key (PKCS#8) and chain. Errors: ServerMissing.
        """
        self._java = _java()
        self._cache = fetch()
        self.port, controller, self.secure_port = free_ports(3)
        self.folder = Path(tempfile.mkdtemp(prefix="news-ingest-kafka-"))
        shutil.copytree(self._cache / "template", self.folder / "data")
        secure = _secured(self.port, controller, self.secure_port, password, certificate)
        more = (secure if password else {}) | dict(settings or {})
        _write_settings(self.folder, self.port, controller, more)
        self._process: ServerProcess | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def secure_address(self) -> str:
        return f"127.0.0.1:{self.secure_port}"

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.is_running

    @property
    def process(self) -> ServerProcess:
        assert self._process is not None, "start the server first"
        return self._process

    def start(self) -> KafkaServer:
        """Start, or start again on the same data and port; gives itself once it answers."""
        archive = _class_archive(self._java, self._cache)
        flags = (f"-XX:SharedArchiveFile={archive}", "-Xshare:auto")
        self._process = _launch(self._java, self._cache, self.folder, flags)
        self._process.wait_until_ready(self._answers, 60)
        return self

    def stop(self) -> int:
        """Stop in order and return the exit code, 143 when all went well."""
        return self.process.end(signal.SIGTERM, 30)

    def kill(self) -> None:
        """Kill at once, as a power cut of the process would."""
        self.process.end(signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def close(self) -> None:
        """Stop, if it runs, and remove the data."""
        if self.is_running:
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _answers(self) -> bool:
        return _accepts(self.port) and _has_broker(self.address)


def fetch() -> Path:
    """Return the folder with the broker's jars and a formatted data folder; fetch if missing."""
    return cached(f"kafka-{VERSION}", lambda folder: _fill(_java(), folder))


def _java() -> Java:
    for java in javas():
        if java.version >= (17,):
            return java
    raise ServerMissing(f"Kafka tests need Java 17 or later: install {PACKAGES}")


def _fill(java: Java, folder: Path) -> None:
    maven(
        "-f",
        str(POM),
        "dependency:copy-dependencies",
        "-DincludeScope=runtime",
        f"-DoutputDirectory={folder / 'libs'}",
    )
    (folder / "log4j2.properties").write_text(_LOG4J)
    with tempfile.TemporaryDirectory() as scratch:
        properties = _write_settings(Path(scratch), *free_ports(2), {})
        subprocess.run(
            [
                *(java.program, "-cp", _class_path(folder), "kafka.tools.StorageTool"),
                *("format", "-t", CLUSTER_ID, "-c", str(properties)),
            ],
            check=True,
            capture_output=True,
        )
        shutil.move(Path(scratch) / "data", folder / "template")


def _write_settings(folder: Path, port: int, controller: int, more: Mapping[str, str]) -> Path:
    plain = f"PLAINTEXT://127.0.0.1:{port}"
    settings = SETTINGS | {
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "listeners": f"{plain},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": plain,
        "log.dirs": str(folder / "data"),
    }
    path = folder / "server.properties"
    path.write_text("".join(f"{key}={value}\n" for key, value in (settings | dict(more)).items()))
    return path


def _secured(
    port: int, controller: int, secure_port: int, password: str, certificate: Path | None
) -> dict[str, str]:
    """Return the settings of a second listener that asks for a password."""
    protocol = "SASL_PLAINTEXT" if certificate is None else "SASL_SSL"
    module = "org.apache.kafka.common.security.plain.PlainLoginModule required"
    settings = {
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller},"
        f"SECURE://127.0.0.1:{secure_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port},SECURE://127.0.0.1:{secure_port}",
        "listener.security.protocol.map": f"PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:{protocol}",
        "inter.broker.listener.name": "PLAINTEXT",
        "sasl.enabled.mechanisms": "PLAIN",
        "listener.name.secure.plain.sasl.jaas.config": f'{module} user_tester="{password}";',
    }
    if certificate is not None:
        settings["listener.name.secure.ssl.keystore.type"] = "PEM"
        settings["listener.name.secure.ssl.keystore.location"] = str(certificate)
    return settings


def _class_path(cache: Path) -> str:
    """Return the jars as an explicit, sorted list: the class archive compares it."""
    return ":".join(str(jar) for jar in sorted((cache / "libs").glob("*.jar")))


def _class_archive(java: Java, cache: Path) -> Path:
    """Return the archive of loaded classes for this Java; one broker is run to make it."""
    jars = hashlib.sha256(_class_path(cache).encode()).hexdigest()[:12]
    archive = cache / "cds" / f"java-{'.'.join(map(str, java.version))}-{jars}.jsa"
    if archive.exists():
        return archive
    with locked(f"kafka-{VERSION}-classes"), tempfile.TemporaryDirectory() as scratch:
        if not archive.exists():
            archive.parent.mkdir(exist_ok=True)
            fresh = archive.with_suffix(".new")
            folder, (port, controller) = Path(scratch), free_ports(2)
            shutil.copytree(cache / "template", folder / "data")
            _write_settings(folder, port, controller, {})
            process = _launch(java, cache, folder, (f"-XX:ArchiveClassesAtExit={fresh}",))
            process.wait_until_ready(lambda: _accepts(port), 120)
            process.end(signal.SIGTERM, 120)
            if fresh.exists():
                fresh.rename(archive)
    return archive


def _launch(java: Java, cache: Path, folder: Path, flags: tuple[str, ...]) -> ServerProcess:
    command = [
        *(java.program, *FLAGS, *flags, f"-Dlog4j2.configurationFile={cache}/log4j2.properties"),
        *("-cp", _class_path(cache), "kafka.Kafka", str(folder / "server.properties")),
    ]
    return ServerProcess(command, output=folder / "server.log", folder=folder)


def _accepts(port: int) -> bool:
    """Return whether the port is open: the broker opens it last."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _has_broker(address: str) -> bool:
    from kafka import KafkaAdminClient  # half a second that only those who start one shall wait
    from kafka.errors import KafkaError

    try:
        admin = KafkaAdminClient(bootstrap_servers=address, bootstrap_timeout_ms=5000)
        try:
            admin.list_topics()
        finally:
            admin.close()
    except KafkaError:
        return False
    return True


def _start() -> tuple[str, object]:
    server = KafkaServer().start()
    return server.address, server.close


if __name__ == "__main__":
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    run_by_hand(fetch, _start)
