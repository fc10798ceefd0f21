"""Every fault of a chaos run: what it does, and how it ends."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple

from tests.chaos.rig import Rig
from tests.faulty_proxy import Fault, items, no_reads, whole
from tests.scenarios.harness import STAGES


class Step(NamedTuple):
    """A fault by name, the function that brings it about for some seconds, and whether it kills."""

    name: str
    have: Callable[[Rig, float], AbstractContextManager[None]]
    is_kill: bool = False


def steps(kills: int, rounds: int, pick: random.Random) -> list[Step]:
    """Return the plan of a run: so many kills, and every half-failure `rounds` times, shuffled."""
    deaths = [Step(f"kill {stage}", _kill(stage), True) for stage in STAGES]
    deaths += [Step(f"stop {stage}", _kill(stage, signal.SIGTERM), True) for stage in STAGES]
    deaths += [Step("kill broker", _kill_broker, True), Step("kill engine", _kill_engine, True)]
    # Servers take long to come back, so they die less often than stages.
    chosen = [deaths[number % len(deaths)] for number in range(kills)]
    plan = chosen + [one for one in half_failures() for _ in range(rounds)]
    pick.shuffle(plan)
    return plan


def half_failures() -> list[Step]:
    """Return every fault in which something is up and still does not work."""
    return [
        Step("engine: 500 for whole bulks", _engine(lambda: whole("_bulk", 500))),
        Step("engine: 500 for some items", _engine(lambda: items(500, "i_o_exception", 3))),
        Step("engine: 429 for some items", _engine(lambda: items(429, "es_rejected_execution", 3))),
        Step("engine: 429 for all", _engine(lambda: whole("_bulk|_mget", 429, "too_many"))),
        Step("engine: items blocked", _engine(lambda: items(403, "cluster_block_exception", 2))),
        Step("engine: answers / only", _engine(no_reads)),
        Step("engine: stalls", _engine(lambda: Fault(".", stalls=True))),
        Step("engine: resets", _engine(lambda: Fault(".", resets=True))),
        Step("engine: resets after the work", _engine(_late_reset)),
        Step("engine: slow", _engine(lambda: Fault(".", seconds=1.0))),
        Step("engine: frozen", _frozen("engine")),
        Step("broker: stalls", _broker("stall")),
        Step("broker: refuses", _broker("refuse", cuts=True)),
        Step("broker: half-open", _broker("lose", cuts_after=True)),
        Step("broker: resets", _broker("pass", cuts=True)),
        Step("broker: frozen", _frozen("broker")),
        *(Step(f"frozen {stage}", _frozen_stage(stage)) for stage in STAGES),
    ]


def _late_reset() -> Fault:
    return Fault("_bulk", resets=True, is_late=True)


def _engine(make: Callable[[], Fault]) -> Callable[[Rig, float], AbstractContextManager[None]]:
    @contextmanager
    def have(rig: Rig, seconds: float) -> Iterator[None]:
        with rig.http.having(make()):
            time.sleep(seconds)
            yield

    return have


def _broker(
    mode: str, *, cuts: bool = False, cuts_after: bool = False
) -> Callable[[Rig, float], AbstractContextManager[None]]:
    @contextmanager
    def have(rig: Rig, seconds: float) -> Iterator[None]:
        rig.tcp.mode = mode
        if cuts:
            rig.tcp.reset()
        time.sleep(seconds)
        yield
        rig.tcp.mode = "pass"
        if cuts_after:  # what was thrown away is missing in the middle of the stream
            rig.tcp.reset()

    return have


def _frozen(server: str) -> Callable[[Rig, float], AbstractContextManager[None]]:
    @contextmanager
    def have(rig: Rig, seconds: float) -> Iterator[None]:
        process = (rig.engine if server == "engine" else rig.broker).process
        process.freeze()
        time.sleep(seconds)
        yield
        process.thaw()

    return have


def _frozen_stage(stage: str) -> Callable[[Rig, float], AbstractContextManager[None]]:
    @contextmanager
    def have(rig: Rig, seconds: float) -> Iterator[None]:
        process = rig.stages[stage].process
        process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        yield
        process.send_signal(signal.SIGCONT)

    return have


def _kill(
    stage: str, number: int = signal.SIGKILL
) -> Callable[[Rig, float], AbstractContextManager[None]]:
    @contextmanager
    def have(rig: Rig, seconds: float) -> Iterator[None]:
        if number == signal.SIGKILL:
            rig.stages[stage].kill()
        else:
            code = rig.stages[stage].stop(number)
            assert code == 0, f"{stage} ended with {code} when it was asked to stop"
        time.sleep(min(seconds, 1.0))
        yield
        rig.stages[stage] = rig.installation.start("--stage", stage)

    return have


@contextmanager
def _kill_broker(rig: Rig, seconds: float) -> Iterator[None]:
    rig.broker.kill()
    time.sleep(seconds)
    yield
    rig.broker.start()


@contextmanager
def _kill_engine(rig: Rig, seconds: float) -> Iterator[None]:
    rig.engine.kill()
    time.sleep(seconds)
    yield
    rig.engine.start()


def names(plan: Sequence[Step]) -> list[str]:
    """Return the names of these steps, each once, in order."""
    return list(dict.fromkeys(one.name for one in plan))
