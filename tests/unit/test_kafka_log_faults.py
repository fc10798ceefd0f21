"""Errors of the client library are translated, every one of them."""

from __future__ import annotations

import inspect
import socket
import ssl
import threading
import time

import pytest
from kafka import errors as kafka_errors

from ingest.adapters.kafka_log import KafkaLog
from ingest.adapters.kafka_log.faults import meaning_of, translated
from ingest.errors import (
    LeaseLost,
    LogRefused,
    LogUnavailable,
    RebalanceRunning,
    RecordRefused,
    RecordTooLarge,
    TopicDiffers,
    TopicMissing,
)
from ingest.settings.options import LogOptions
from tests.kafka_server import free_ports

#: Bases that the library raises only by their subclasses.
BASES = {kafka_errors.KafkaError, kafka_errors.BrokerResponseError}

EXPORTED = [
    kind
    for _, kind in inspect.getmembers(kafka_errors, inspect.isclass)
    if issubclass(kind, kafka_errors.KafkaError) and kind not in BASES
]


def test_the_library_exports_as_many_errors_as_are_mapped():
    assert len(EXPORTED) > 150


@pytest.mark.parametrize("kind", EXPORTED, ids=lambda kind: kind.__name__)
def test_every_error_of_the_library_has_a_meaning(kind):
    assert meaning_of(kind) is not None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("KafkaTimeoutError", LogUnavailable),
        ("KafkaConnectionError", LogUnavailable),
        ("NodeNotReadyError", LogUnavailable),
        ("NotEnoughReplicasError", LogUnavailable),
        ("OutOfOrderSequenceNumberError", LogUnavailable),
        ("CommitFailedError", LeaseLost),
        ("IllegalGenerationError", LeaseLost),
        ("UnknownMemberIdError", LeaseLost),
        ("RebalanceInProgressError", RebalanceRunning),
        ("MessageSizeTooLargeError", RecordTooLarge),
        ("InvalidRecordError", RecordRefused),
        ("InvalidTimestampError", RecordRefused),
        ("UnknownTopicOrPartitionError", TopicMissing),
        ("InvalidReplicationFactorError", TopicDiffers),
        ("TopicAuthorizationFailedError", LogRefused),
        ("SaslAuthenticationFailedError", LogRefused),
        ("UnsupportedVersionError", LogRefused),
        ("ProducerFencedError", LogRefused),
    ],
)
def test_errors_map_to_what_the_loop_handles(name, expected):
    fault = translated(getattr(kafka_errors, name)(), "it failed", value="news.pages")
    assert type(fault) is expected
    assert fault.value == "news.pages"
    assert name in fault.what


def test_an_error_code_that_the_library_does_not_know_is_an_outage():
    kind = kafka_errors.for_code(29_999)
    assert type(translated(kind(), "it failed")) is LogUnavailable


def test_an_untrusted_certificate_is_not_an_outage():
    error = kafka_errors.KafkaConnectionError("Handshake failed")
    assert type(translated(error, "it failed")) is LogUnavailable
    error.__context__ = ssl.SSLCertVerificationError("self-signed certificate")
    assert type(translated(error, "it failed")) is LogRefused


def test_a_log_without_a_broker_is_unavailable_at_once_and_leaves_no_thread():
    (port,) = free_ports(1)
    before = threading.active_count()
    began = time.monotonic()
    for _ in range(3):
        with pytest.raises(LogUnavailable, match=str(port)):
            KafkaLog(f"127.0.0.1:{port}", LogOptions())
    assert time.monotonic() - began < 3
    assert threading.active_count() == before


@pytest.mark.slow
def test_a_broker_that_accepts_connections_and_stays_silent_is_unavailable_in_time():
    with socket.create_server(("127.0.0.1", 0)) as mute:
        before = threading.active_count()
        began = time.monotonic()
        with pytest.raises(LogUnavailable):
            KafkaLog(f"127.0.0.1:{mute.getsockname()[1]}", LogOptions())
        assert time.monotonic() - began < 8
        assert threading.active_count() == before


def test_a_session_timeout_that_the_broker_does_not_allow_names_the_option():
    fault = translated(kafka_errors.InvalidSessionTimeoutError(), "reading failed")
    assert isinstance(fault, LogRefused)
    assert "log.session_timeout_seconds" in (fault.remedy or "")
    assert "group.min.session.timeout.ms" in (fault.remedy or "")
