"""Fixtures of all tests: the real servers, each started once a run and only when asked for."""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import Callable, Iterator

import pytest

from tests.elasticsearch_server import ElasticsearchServer
from tests.kafka_server import KafkaServer
from tests.server_process import ServerMissing

# A client whose broker is stopped writes some 20 lines a second.
logging.getLogger("kafka").setLevel(logging.CRITICAL)
logging.getLogger("elastic_transport").setLevel(logging.CRITICAL)


def pytest_itemcollected(item: pytest.Item) -> None:
    """kafka-python leaves a socket to the garbage collector at each try to reach a dead broker."""
    if "kafka_server" in getattr(item, "fixturenames", ()):
        item.add_marker(pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"))


def _made(make: Callable[..., KafkaServer | ElasticsearchServer], *given: object, **named: object):
    try:
        return make(*given, **named)
    except ServerMissing as missing:
        if os.environ.get("CI"):
            pytest.fail(str(missing), pytrace=False)
        pytest.skip(str(missing))


def _own(make: Callable[..., KafkaServer | ElasticsearchServer], variable: str):
    """Return a factory of started servers, and end all of them afterwards."""
    if os.environ.get(variable):
        pytest.skip(f"stops servers, and {variable} names one that is not ours")
    servers = []

    def factory(*given: object, **named: object):
        servers.append(_made(make, *given, **named))
        return servers[-1].start()

    yield factory
    for server in servers:
        server.close()
    gc.collect()


def _shared(make: Callable[..., KafkaServer | ElasticsearchServer], variable: str) -> Iterator[str]:
    """Return the address of the running server that is named, else of one for the whole run."""
    if os.environ.get(variable):
        yield os.environ[variable]
        return
    server = _made(make)
    try:
        yield server.start().address
    finally:
        server.close()


@pytest.fixture(scope="session")
def kafka_address() -> Iterator[str]:
    """Return `host:port` of a real broker; use topic prefixes of your own on it."""
    yield from _shared(KafkaServer, "NEWS_INGEST_TEST_KAFKA")


@pytest.fixture(scope="session")
def elasticsearch_url() -> Iterator[str]:
    """Return `http://host:port` of a real Elasticsearch; use index prefixes of your own on it."""
    yield from _shared(ElasticsearchServer, "NEWS_INGEST_TEST_ELASTICSEARCH")


@pytest.fixture
def kafka_server() -> Iterator[Callable[..., KafkaServer]]:
    """Return a factory of brokers that the test may stop and kill: `kafka_server(settings)`."""
    yield from _own(KafkaServer, "NEWS_INGEST_TEST_KAFKA")


@pytest.fixture
def elasticsearch_server() -> Iterator[Callable[..., ElasticsearchServer]]:
    """Return a factory of Elasticsearch servers that the test may stop and kill."""
    yield from _own(ElasticsearchServer, "NEWS_INGEST_TEST_ELASTICSEARCH")
