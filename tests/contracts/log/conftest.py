"""Fixtures of the log contract: each case runs on every log with the required capabilities."""

from __future__ import annotations

import gc
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ingest.ports import Log
from tests.contracts.log.log_drill import CAPABILITIES, LogFactory, held_lock

_FIXTURES = {"log_factory", "stoppable_log_factory"}
#: kafka-python leaves a socket behind at each try to reach a broker that is down.
_MARKS = {
    "sqlite": [],
    "kafka": [pytest.mark.kafka, pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")],
}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(flag): only for logs with this capability")
    config.addinivalue_line("markers", "needs_not(flag): only for logs without this capability")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a case on the logs whose capabilities match its marks."""
    fixtures = _FIXTURES & set(metafunc.fixturenames)
    if not fixtures:
        return
    marks = list(metafunc.definition.iter_markers())
    needed = {mark.args[0] for mark in marks if mark.name == "needs"}
    refused = {mark.args[0] for mark in marks if mark.name == "needs_not"}
    kinds = [
        pytest.param(kind, marks=_MARKS[kind])
        for kind, flags in CAPABILITIES.items()
        if needed <= flags and not refused & flags
    ]
    for fixture in fixtures:
        metafunc.parametrize(fixture, kinds, indirect=True)


@pytest.fixture
def log_factory(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LogFactory]:
    """Return a factory of logs on one separate store."""
    if request.param == "kafka":
        address = request.getfixturevalue("kafka_address")
        factory = LogFactory("kafka", f"kafka://{address}", prefix=_prefix())
    else:
        factory = LogFactory("sqlite", f"sqlite://{tmp_path / 'log.db'}")
    yield factory
    factory.close()


@pytest.fixture
def stoppable_log_factory(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LogFactory]:
    """Return a factory whose log can be blocked for writes."""
    if request.param == "kafka":
        server = request.getfixturevalue("kafka_server")()

        @contextmanager
        def outage() -> Iterator[None]:
            server.stop()
            try:
                yield
            finally:
                server.start()

        factory = LogFactory("kafka", f"kafka://{server.address}", outage, _prefix())
    else:
        path = tmp_path / "log.db"
        factory = LogFactory(
            "sqlite", f"sqlite://{path}", lambda: held_lock(path.with_name("log.db.lock"))
        )
    yield factory
    factory.close()
    gc.collect()


@pytest.fixture
def log(log_factory: LogFactory) -> Log:
    return log_factory()


def _prefix() -> str:
    return f"t{uuid.uuid4().hex[:10]}."
