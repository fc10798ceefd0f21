"""Lets a consumer use the share it was given while nobody was polling it.

kafka-python 3.0.12 asks to join a group in a task that outlives a short `poll`. When the task
ends between two polls, the next one throws its result away and asks again, which makes every
other member join again too. Members whose polls are short and whose work takes longer can go
on like that for as long as they run: nobody reads anything.
"""

from __future__ import annotations

from typing import Any


def keep_finished_joins(consumer: Any) -> None:
    """Make this consumer use the share of a join that ended between two of its polls.

    A share counts as long as the group's generation is the one that it was given in; the broker
    ends an older one by its answer to the next heartbeat.
    """
    coordinator = consumer._coordinator
    join, completed = coordinator._do_join_and_sync_async, coordinator._on_join_complete_async
    kept: list[tuple[Any, bytes]] = []  # at most one: the generation and its share

    async def join_once() -> bytes:
        if kept:
            generation, waiting = kept.pop()
            if generation is coordinator._generation:
                return waiting
        share: bytes = await join()
        kept[:] = [(coordinator._generation, share)]
        return share

    async def forget_and_complete(*given: Any, **named: Any) -> Any:
        kept.clear()
        return await completed(*given, **named)

    coordinator._do_join_and_sync_async = join_once
    coordinator._on_join_complete_async = forget_and_complete
