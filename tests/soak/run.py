"""One soak: feeds with faults grow for some minutes, then everything must have come in once."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from tests.http_site import HttpSite
from tests.scenarios.harness import Installation
from tests.soak.site import REST_SECONDS, SoakSite
from tests.soak.watch import MemoryWatch, Politeness, politeness

GAP_SECONDS = 0.3
#: Published in the first part of the time, so that the rest is there for what was put back.
_PUBLISHING_SHARE = 0.7
_STEP_SECONDS = 1.0
_LAST_SECONDS = 300.0


class Plan(NamedTuple):
    """How large a soak is. Each feed is asked every `interval_seconds` on average."""

    feeds: int
    seconds: float
    interval_seconds: float
    items_a_second: float
    seed: int = 1
    fault_share: float = 0.08
    dead_share: float = 0.05


class Soaked(NamedTuple):
    """What came of it; `lost`, `strange` and `twice` are addresses."""

    plan: Plan
    published: int
    requests: int
    faults: dict[str, int]
    lost: list[str]
    strange: list[str]
    twice: list[str]
    audit: dict[str, Any]
    dead_letters: dict[str, int]
    politeness: Politeness
    peak_bytes: dict[str, int]
    growth: dict[str, float]
    seconds: float
    exit_code: int

    def as_json(self) -> str:
        return json.dumps(self._asdict() | {"plan": self.plan._asdict()}, indent=1)


def soak(folder: Path, plan: Plan, say: Callable[[str], None] = lambda _: None) -> Soaked:
    """Run it in this folder and return what came of it. Errors: AssertionError when it hangs."""
    began = time.monotonic()
    with HttpSite() as site, _installed(folder, site, plan) as installation:
        press = SoakSite(
            site, plan.feeds, seed=plan.seed, fault_share=plan.fault_share,
            dead_share=plan.dead_share,
        )  # fmt: skip
        press.publish_each()
        most = plan.interval_seconds * 3 / 60
        installation.set_feeds(
            {"url": feed.url, "min_interval_minutes": 0.02, "max_interval_minutes": most}
            for feed in press.feeds
        )
        tree = installation.start()
        with MemoryWatch(psutil.Process(tree.process.pid)) as memory:
            _publish(press, plan, began, installation, say)
            wanted = set(press.urls)
            last = time.monotonic() + _LAST_SECONDS
            shown = 0

            def is_there() -> bool:
                nonlocal shown
                found = wanted & set(installation.urls())
                if len(found) != shown:
                    shown = len(found)
                    say(f"{shown} of {len(wanted)} items are searchable")
                return found == wanted or time.monotonic() > last

            installation.wait_until(is_there, "everything is searchable", _LAST_SECONDS + 60)
            installation.wait_until(
                lambda: not installation.audit()["waiting"] or time.monotonic() > last + 60,
                "nothing waits",
                _LAST_SECONDS + 120,
            )
        audit = installation.audit()
        listed = installation.command("dead-letters", "list", "--json").json_lines()
        found = Counter(installation.urls())
        code = tree.stop()
        requests = site.asked()
        return Soaked(
            plan=plan,
            published=len(press.urls),
            requests=len(requests),
            faults=dict(sorted(press.faults.items())),
            lost=sorted(wanted - found.keys()),
            strange=sorted(found.keys() - wanted),
            twice=sorted(url for url, count in found.items() if count > 1),
            audit=audit,
            dead_letters=dict(Counter(one["reason"] for one in listed)),
            politeness=politeness(
                requests, press.rests, gap_seconds=GAP_SECONDS, rest_seconds=REST_SECONDS
            ),
            peak_bytes=memory.peaks(),
            growth=memory.growth(),
            seconds=time.monotonic() - began,
            exit_code=code,
        )


def _installed(folder: Path, site: HttpSite, plan: Plan) -> Installation:
    return Installation(
        folder,
        hosts=site.hosts("*.example"),
        polling={
            "mean_interval_minutes": plan.interval_seconds / 60,
            "min_interval_seconds": 2,
            "timeout_seconds": 5,
        },
        fetching={"gap_seconds": GAP_SECONDS, "timeout_seconds": 5},
        stages={"extract": {"children": 1}, "poll": {"children": 1}},
    )


def _publish(
    press: SoakSite,
    plan: Plan,
    began: float,
    installation: Installation,
    say: Callable[[str], None],
) -> None:
    owed = 0.0
    while (passed := time.monotonic() - began) < plan.seconds:
        time.sleep(_STEP_SECONDS)
        installation.wait_until(lambda: True, "the stages run")  # one that ended fails here
        if passed < plan.seconds * _PUBLISHING_SHARE:
            owed += plan.items_a_second * _STEP_SECONDS
            press.publish(int(owed))
            owed -= int(owed)
        if int(passed) % 15 == 0:
            say(f"{passed:.0f} s: {len(press.urls)} items published")
