"""Child processes: their results, how they are killed, and what survives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from ingest.children import ChildFailure, ChildPool
from ingest.errors import NewsIngestError

MEBIBYTE = 1 << 20

WORK = """
import ctypes, os, signal, sys, time

def doubler(factor=2):
    return lambda item: item * factor

def shouter():
    def work(item):
        print("noise on stdout", flush=True)
        return item
    return work

def obeyer():
    kept = []
    def work(item):
        verb, _, value = item.partition(" ")
        if verb == "say":
            return value
        if verb == "pid":
            return os.getpid()
        if verb == "raise":
            raise ValueError(value)
        if verb == "leave":
            sys.exit(7)
        if verb == "signal":
            os.kill(os.getpid(), getattr(signal, value))
            return value
        if verb == "sleep":
            time.sleep(float(value))
            return value
        if verb == "hang":
            # in C, holding the interpreter lock: no Python code of this process runs meanwhile
            ctypes.PyDLL(None).sleep(int(value))
            return value
        if verb == "eat":
            return len(bytearray(int(value)))
        if verb == "keep":
            kept.append(b"x" * int(value))
            return os.getpid()
        if verb == "unpicklable":
            return lambda: None
    return work

def broken():
    raise RuntimeError("no work here")

def dying():
    os._exit(3)
"""


@pytest.fixture(scope="module", autouse=True)
def _work_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("work")
    (folder / "work_for_children.py").write_text(WORK, encoding="utf-8")
    sys.path.insert(0, str(folder))
    yield
    sys.path.remove(str(folder))


@pytest.fixture
def a_pool() -> Iterator[Callable[..., ChildPool]]:
    pools: list[ChildPool] = []

    def make(name: str = "obeyer", **changes: Any) -> ChildPool:
        values: dict[str, Any] = {
            "count": 1,
            "timeout_seconds": 20.0,
            "memory_bytes": 0,
            "recycle_bytes": 0,
        }
        pool = ChildPool(f"work_for_children:{name}", **(values | changes))
        pools.append(pool)
        return pool

    yield make
    for pool in pools:
        pool.close()


def run(pool: ChildPool, item: object) -> Any:
    (answer,) = pool.map([item])
    return answer


def test_results_are_in_the_order_of_the_items(a_pool: Callable[..., ChildPool]) -> None:
    pool = a_pool("doubler", count=2, arguments=(3,))
    assert pool.map(list(range(100))) == [3 * number for number in range(100)]


def test_nothing_is_started_before_there_is_work(a_pool: Callable[..., ChildPool]) -> None:
    pool = a_pool("doubler")
    assert pool.map([]) == []
    assert pool.process_ids == []
    pool.map([1])
    assert len(pool.process_ids) == 1


def test_what_is_printed_does_not_disturb_the_results(
    a_pool: Callable[..., ChildPool], capfd: pytest.CaptureFixture[str]
) -> None:
    assert a_pool("shouter").map([1, 2]) == [1, 2]
    assert "noise on stdout" in capfd.readouterr().err


def test_large_items_and_results_pass_whole(a_pool: Callable[..., ChildPool]) -> None:
    items = [bytes([number]) * (3 * MEBIBYTE) for number in range(6)]
    assert a_pool("doubler", count=2, arguments=(1,)).map(items) == items


def test_an_item_that_raises_fails_alone_and_says_why(a_pool: Callable[..., ChildPool]) -> None:
    first, second, third = a_pool().map(["say a", "raise too bad", "say b"])
    assert (first, third) == ("a", "b")
    assert second.kind == "raised"
    assert second.message == "ValueError: too bad"
    assert "work_for_children.py" in second.stacktrace


def test_what_cannot_be_pickled_fails_alone(a_pool: Callable[..., ChildPool]) -> None:
    answers = a_pool().map(["say a", "unpicklable", lambda: None, "say b"])
    assert [answers[0], answers[3]] == ["a", "b"]
    assert answers[1].kind == "raised"
    assert answers[2].kind == "raised"


def test_a_child_that_hangs_in_c_code_is_killed_in_time(a_pool: Callable[..., ChildPool]) -> None:
    pool = a_pool(timeout_seconds=0.4)
    pool.map(["say warm"])
    started = time.monotonic()
    answers = pool.map(["say a", "hang 30", "say b", "say c"])
    assert time.monotonic() - started < 5
    assert answers[1] == ChildFailure("killed_time", "not done after 0.4 s")
    assert [answers[0], *answers[2:]] == ["a", "b", "c"]


def test_only_the_guilty_items_of_a_chunk_fail(a_pool: Callable[..., ChildPool]) -> None:
    items = [f"say {number}" for number in range(40)]
    guilty = {3: "signal SIGSEGV", 17: "leave", 18: "signal SIGABRT", 39: "signal SIGKILL"}
    for place, item in guilty.items():
        items[place] = item
    answers = a_pool(count=2).map(items)
    for number, answer in enumerate(answers):
        if number not in guilty:
            assert answer == str(number)
    assert answers[3] == ChildFailure("crashed", "killed by SIGSEGV")
    assert answers[17].kind == "raised"
    assert answers[18] == ChildFailure("crashed", "killed by SIGABRT")
    assert answers[39].kind == "killed_memory"


def test_each_item_has_its_own_time(a_pool: Callable[..., ChildPool]) -> None:
    pool = a_pool(timeout_seconds=0.5)
    assert pool.map(["sleep 0.25"] * 3) == ["0.25"] * 3


def test_an_item_that_needs_too_much_memory_fails_alone(a_pool: Callable[..., ChildPool]) -> None:
    pool = a_pool(memory_bytes=400 * MEBIBYTE)
    answers = pool.map(["say a", f"eat {900 * MEBIBYTE}", "say b"])
    assert [answers[0], answers[2]] == ["a", "b"]
    assert answers[1].kind == "killed_memory"


def test_the_limit_of_growth_counts_from_the_loaded_child(
    a_pool: Callable[..., ChildPool],
) -> None:
    pool = a_pool(growth_bytes=100 * MEBIBYTE)
    answers = pool.map([f"eat {200 * MEBIBYTE}", f"eat {20 * MEBIBYTE}", "say a"])
    assert answers[0].kind == "killed_memory"
    assert not isinstance(answers[1], ChildFailure)
    assert answers[2] == "a"


def test_a_child_that_grew_is_replaced(a_pool: Callable[..., ChildPool]) -> None:
    pool = a_pool(recycle_bytes=90 * MEBIBYTE)
    small = run(pool, "keep 10")
    assert run(pool, "pid") == small
    assert run(pool, f"keep {100 * MEBIBYTE}") == small
    assert run(pool, "pid") != small
    assert not psutil.pid_exists(small)


def test_a_child_that_died_between_two_calls_costs_no_item(
    a_pool: Callable[..., ChildPool],
) -> None:
    pool = a_pool()
    pid = run(pool, "pid")
    os.kill(pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=0.2)
    assert run(pool, "say still here") == "still here"


def test_a_signal_to_the_group_does_not_end_a_child(a_pool: Callable[..., ChildPool]) -> None:
    answers = a_pool().map(["signal SIGINT", "signal SIGTERM", "say on"])
    assert answers == ["SIGINT", "SIGTERM", "on"]


def test_work_that_cannot_be_loaded_raises_with_its_reason(
    a_pool: Callable[..., ChildPool],
) -> None:
    with pytest.raises(NewsIngestError, match="RuntimeError: no work here"):
        a_pool("broken").map([1])
    with pytest.raises(NewsIngestError, match="absent"):
        a_pool("absent").map([1])


def test_children_that_die_while_loading_are_not_started_for_ever(
    a_pool: Callable[..., ChildPool],
) -> None:
    with pytest.raises(NewsIngestError, match="die before they are ready"):
        a_pool("dying").map([1])


def test_several_threads_share_the_children(a_pool: Callable[..., ChildPool]) -> None:
    pool = a_pool(count=2)
    answers: dict[int, list[Any]] = {}

    def call(number: int) -> None:
        answers[number] = [run(pool, f"say {number}.{turn}") for turn in range(20)]

    threads = [threading.Thread(target=call, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {n: [f"{n}.{turn}" for turn in range(20)] for n in range(6)}
    assert len(pool.process_ids) <= 2


def test_one_item_costs_little_beside_its_work(a_pool: Callable[..., ChildPool]) -> None:
    pool = a_pool()
    run(pool, "say warm")
    started = time.perf_counter()
    for _ in range(200):
        run(pool, "say x")
    assert (time.perf_counter() - started) / 200 < 0.01


def test_a_closed_pool_ends_its_children_and_refuses_work(
    a_pool: Callable[..., ChildPool],
) -> None:
    pool = a_pool(count=2)
    pool.map(["say a"] * 20)
    pids = pool.process_ids
    assert pids
    pool.close()
    assert not any(psutil.pid_exists(pid) for pid in pids)
    with pytest.raises(NewsIngestError, match="closed"):
        run(pool, "say b")


@pytest.mark.slow
def test_children_exit_when_their_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import sys, time\n"
        f"sys.path[:] = {sys.path!r}\n"
        "from ingest.children import ChildPool\n"
        "pool = ChildPool('work_for_children:obeyer', count=1, timeout_seconds=9,\n"
        "                 memory_bytes=0, recycle_bytes=0)\n"
        "print(pool.map(['pid'])[0], flush=True)\n"
        "time.sleep(60)\n",
        encoding="utf-8",
    )
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    child_is_gone = psutil.wait_procs([child], timeout=5)[1] == []
    assert child_is_gone or child.status() == psutil.STATUS_ZOMBIE
