"""Passwords and certificates of the Kafka log, with a secured broker."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ACL, ACLOperation, ACLPermissionType, ResourcePattern, ResourceType

from ingest.adapters.kafka_log import KafkaLog
from ingest.errors import LogRefused, LogUnavailable
from ingest.ports import TopicSpec
from ingest.settings.options import LogOptions

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

PASSWORD = "four quiet harbour lamps"


def certificate(folder: Path, name: str, days: int = 2) -> tuple[Path, Path]:
    """Make a certificate of its own for this name; gives key with chain, and chain alone."""
    key, chain, both = (folder / f"{name}.{part}" for part in ("key", "crt", "pem"))
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", str(days)),
            *("-keyout", key, "-out", chain, "-subj", f"/CN={name}"),
            *("-addext", f"subjectAltName={name}"),
        ],
        check=True,
        capture_output=True,
    )
    both.write_text(key.read_text() + chain.read_text())
    return both, chain


def works(address: str, options: LogOptions) -> bool:
    log = KafkaLog(address, options, prefix="secure.")
    try:
        log.apply([TopicSpec(name="news.pages", partitions=1)])
        appender = log.appender()
        delivery = appender.append("news.pages", "k", b"v")
        appender.flush(30)
        reader = log.reader("news-g", ["news.pages"])
        while not reader.assignment():
            reader.read(10, 0.2)
        reader.close()
        return delivery.is_done and delivery.error is None
    finally:
        log.close()


def test_a_right_password_works_and_a_wrong_one_is_refused(kafka_server):
    server = kafka_server(password=PASSWORD)
    given = {
        "security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "PLAIN", "username": "tester",
    }  # fmt: skip
    assert works(server.secure_address, LogOptions(**given, password=PASSWORD))
    before = threading.active_count()
    with pytest.raises(LogRefused) as refused:
        KafkaLog(server.secure_address, LogOptions(**given, password="no lamp at all"))
    assert refused.value.exit_code == 4
    assert "no lamp" not in str(refused.value)
    other = given | {"sasl_mechanism": "SCRAM-SHA-256"}
    # The broker closes the connection so fast that its reason may be lost.
    with pytest.raises((LogRefused, LogUnavailable)):
        KafkaLog(server.secure_address, LogOptions(**other, password=PASSWORD))
    with pytest.raises(LogUnavailable):
        KafkaLog(server.secure_address, LogOptions())
    assert threading.active_count() == before


def test_topics_that_may_only_be_read_are_told(kafka_server):
    """`check` says so before a stage is held up by it."""
    server = kafka_server(
        {
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
        },
        password=PASSWORD,
    )
    admin = KafkaLog(server.address, LogOptions(), prefix="secure.")
    names = ["news.entries", "news.pages"]
    admin.apply([TopicSpec(name=name, partitions=1) for name in names])
    assert admin.unwritable([*names, "news.unheard-of"]) == []
    admin.close()
    _allow(server.address, "secure.news.entries", ACLOperation.READ)
    _allow(server.address, "secure.news.pages", ACLOperation.READ, ACLOperation.WRITE)
    options = LogOptions(
        security_protocol="SASL_PLAINTEXT", sasl_mechanism="PLAIN", username="tester",
        password=PASSWORD,
    )  # fmt: skip
    tester = KafkaLog(server.secure_address, options, prefix="secure.")
    assert tester.unwritable(names) == ["news.entries"]
    tester.close()


def _allow(address: str, topic: str, *operations: ACLOperation) -> None:
    admin = KafkaAdminClient(bootstrap_servers=address)
    pattern = ResourcePattern(ResourceType.TOPIC, topic)
    admin.create_acls(
        [ACL("User:tester", "*", one, ACLPermissionType.ALLOW, pattern) for one in operations]
    )
    admin.close()


def test_a_trusted_certificate_works_and_any_other_is_refused(kafka_server, tmp_path):
    both, chain = certificate(tmp_path, "IP:127.0.0.1")
    _, foreign = certificate(tmp_path, "IP:127.0.0.2")
    server = kafka_server(password=PASSWORD, certificate=both)
    given = {
        "security_protocol": "SASL_SSL", "sasl_mechanism": "PLAIN", "username": "tester",
        "password": PASSWORD,
    }  # fmt: skip
    assert works(server.secure_address, LogOptions(**given, ssl_ca_file=str(chain)))
    with pytest.raises(LogRefused):
        KafkaLog(server.secure_address, LogOptions(**given, ssl_ca_file=str(foreign)))
    with pytest.raises(LogRefused):
        KafkaLog(server.secure_address, LogOptions(**given))
    missing = str(tmp_path / "missing.crt")
    with pytest.raises(LogRefused, match=r"missing\.crt"):
        KafkaLog(server.secure_address, LogOptions(**given, ssl_ca_file=missing))


def test_a_certificate_for_another_host_is_refused(kafka_server, tmp_path):
    both, chain = certificate(tmp_path, "DNS:kafka.harbour-times.example")
    server = kafka_server(password=PASSWORD, certificate=both)
    given = LogOptions(
        security_protocol="SASL_SSL", sasl_mechanism="PLAIN", username="tester",
        password=PASSWORD, ssl_ca_file=str(chain),
    )  # fmt: skip
    with pytest.raises(LogRefused):
        KafkaLog(server.secure_address, given)
