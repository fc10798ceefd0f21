"""One chaos run: articles flow while everything fails by a seeded plan, then all is counted."""

from __future__ import annotations

import json
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from tests.chaos.faults import Step, half_failures, steps
from tests.chaos.rig import Rig, rig

#: Memory of a stage after the server faults of the last part beside before them.
MOST_GROWTH = 1.5
#: What any process may gain by warming up, whatever it held before.
SLACK_BYTES = 60 * 1024 * 1024
#: How long a stage may keep memory that it no longer needs.
REST_SECONDS = 45.0
#: Deadline for all that was published to be searchable after the last fault.
SETTLE_SECONDS = 900.0


class Plan(NamedTuple):
    """How much happens in a run."""

    articles: int = 10_000
    kills: int = 100
    rounds: int = 3
    seed: int = 1
    #: Server faults at the end, in which no stage is restarted: what they hold must not grow.
    last_faults: int = 16


class Result(NamedTuple):
    """What came out. `recoveries` are seconds by fault, `failures` is empty when all is well."""

    articles: int
    corrections: int
    seconds: float
    recoveries: dict[str, list[float]]
    memory: dict[str, tuple[int, int]]
    failures: list[str]

    def table(self) -> str:
        """Return recovery times by fault as lines of text, and the memory of the stages."""
        lines = [f"{'fault':<34}{'times':>6}{'median s':>10}{'worst s':>10}"]
        for name, times in sorted(self.recoveries.items()):
            middle = statistics.median(times)
            lines.append(f"{name:<34}{len(times):>6}{middle:>10.1f}{max(times):>10.1f}")
        lines.append(f"{'memory of a stage':<34}{'MiB before':>16}{'after':>10}")
        for stage, (before, after) in self.memory.items():
            lines.append(f"{stage:<34}{before >> 20:>16}{after >> 20:>10}")
        summary = f"{self.articles} articles, {self.corrections} corrections"
        return "\n".join([*lines, f"{summary}, {self.seconds / 60:.1f} minutes"])


def chaos(folder: Path, plan: Plan, say: Callable[[str], object] = lambda _: None) -> Result:
    """Run the plan in this folder and return what came out."""
    began = time.monotonic()
    pick = random.Random(plan.seed)
    recoveries: dict[str, list[float]] = defaultdict(list)
    first = steps(plan.kills, plan.rounds, pick)
    of_servers = [one for one in half_failures() if one.name.startswith(("engine", "broker"))]
    last = pick.sample(of_servers, min(plan.last_faults, len(of_servers)))
    with rig(folder, plan.seed) as found:
        a_step = -(-plan.articles // (len(first) + len(last)))
        for number, step in enumerate(first):
            _run(found, step, a_step, recoveries, pick)
            say(f"{number + 1}/{len(first)} {step.name}: {recoveries[step.name][-1]:.1f} s")
        found.recovered()
        before = found.memory()
        for step in last:
            _run(found, step, a_step, recoveries, pick)
            say(f"{step.name}: {recoveries[step.name][-1]:.1f} s")
        failures = _settled(found)
        after = _rested(found, before)
        failures += [
            f"{stage} holds {after[stage] >> 20} MiB after the server faults, {held >> 20} before"
            for stage, held in before.items()
            if after[stage] > _most(held)
        ]
        memory = {stage: (held, after[stage]) for stage, held in before.items()}
        articles, corrections = len(found.urls), len(found.sentences)
    seconds = time.monotonic() - began
    return Result(articles, corrections, seconds, dict(recoveries), memory, failures)


def _run(
    found: Rig, step: Step, articles: int, recoveries: dict[str, list[float]], pick: random.Random
) -> None:
    found.publish(articles // 2)
    found.correct()
    time.sleep(pick.uniform(0, 1))
    with step.have(found, pick.uniform(1.5, 6.0)):
        found.publish(articles - articles // 2 - 1)
        found.correct()
    recoveries[step.name].append(found.recovered())


def _most(held: int) -> float:
    return max(MOST_GROWTH * held, held + SLACK_BYTES)


def _rested(found: Rig, before: dict[str, int]) -> dict[str, int]:
    """Return what the stages hold, after some time to return it to the system."""
    until = time.monotonic() + REST_SECONDS
    while True:
        after = found.memory()
        if time.monotonic() > until or all(after[one] <= _most(before[one]) for one in before):
            return after
        time.sleep(1)


def _settled(found: Rig) -> list[str]:
    """Wait until all is quiet, then return what is lost, doubled, stale or asked too often."""
    installation, urls = found.installation, found.urls
    installation.wait_until(lambda: not _open(found), "nothing waits", SETTLE_SECONDS)
    failures = []
    until = time.monotonic() + SETTLE_SECONDS / 3
    while _stale(found) and time.monotonic() < until:  # polls that are still due
        time.sleep(1)
    audit = _audit(found)
    wanted: dict[str, Any] = {"entries": len(urls), "searchable": len(urls), "dead_letters": 0}
    wanted |= {"dropped": 0, "waiting": 0, "missing": [], "older": []}
    wrong = {name: audit[name] for name, count in wanted.items() if audit[name] != count}
    if wrong:
        failures.append(f"the audit says {json.dumps(wrong)[:1000]}, wanted {len(urls)} articles")
    documents = found.documents()
    doubled = len(documents) - len({one.url_canonical for one in documents})
    if doubled or len(documents) != len(urls):
        failures.append(f"{len(documents)} documents of {len(urls)} articles, {doubled} doubled")
    if stale := _stale(found):
        failures.append(f"{len(stale)} corrected articles keep their old text: {stale[:5]}")
    often = found.asked_too_often()
    if often:
        failures.append(f"{len(often)} articles asked too often: {dict(list(often.items())[:5])}")
    return failures


def _audit(found: Rig) -> dict[str, Any]:
    done = found.installation.command("audit", "--deep", "--json", code=None, seconds=900)
    return dict(done.json())


def _stale(found: Rig) -> list[str]:
    """Return the corrected articles that have their old text."""
    texts = {one.url_canonical: one.text for one in found.documents()}
    return [url for url, text in found.sentences.items() if text not in texts.get(url, "")]


def _open(found: Rig) -> bool:
    """Return whether an article is not known yet, or something still waits."""
    audit = _audit(found)
    return bool(audit["waiting"] or audit["entries"] < len(found.urls))
