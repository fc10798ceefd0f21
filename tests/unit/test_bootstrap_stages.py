"""A stage whose log goes away while it opens it begins again, within the start timeout."""

from __future__ import annotations

import threading

import pytest

from ingest.bootstrap.engines import retry_until_available
from ingest.bootstrap.stages import run_with_restarts
from ingest.errors import LogUnavailable, TopicMissing


def test_a_stage_restarts_until_it_can_be_opened() -> None:
    tries: list[int] = []

    def run() -> None:
        tries.append(1)
        if len(tries) < 3:
            raise LogUnavailable("the broker is starting")

    run_with_restarts(run, 30, threading.Event())
    assert len(tries) == 3


def test_it_gives_up_when_every_try_within_the_timeout_failed() -> None:
    def run() -> None:
        raise LogUnavailable("the broker is gone")

    with pytest.raises(LogUnavailable):
        run_with_restarts(run, 0.3, threading.Event())


def test_what_was_waited_for_is_not_waited_for_again() -> None:
    tries: list[int] = []

    def open_it() -> None:
        tries.append(1)
        raise LogUnavailable("the broker is gone")

    with pytest.raises(LogUnavailable):
        run_with_restarts(lambda: retry_until_available(open_it, 0.0), 30, threading.Event())
    assert len(tries) == 1


def test_other_errors_end_the_stage_at_once() -> None:
    def run() -> None:
        raise TopicMissing("news.pages is missing")

    with pytest.raises(TopicMissing):
        run_with_restarts(run, 30, threading.Event())
