"""Serves the farm by hand, to point any feed reader at.

    python -m tests.farm [--port 8099] [--case NUMBER …] [--settings FOLDER]
    python -m tests.farm --list [--json] [--case NUMBER …]

Each case has hosts of its own under `.example`; README.md here says how to reach them.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from tests.farm.all_cases import CASES
from tests.farm.case import Case, Stall
from tests.farm.server import Farm
from tests.farm.settings import write_settings

_LOOK_SECONDS = 0.2


def main() -> int:
    """Do what the arguments say and return the exit code."""
    given = _wishes().parse_args()
    chosen = [one for one in CASES if not given.case or _is_meant(one, given.case)]
    unknown = [wish for wish in given.case if not any(_is_meant(one, [wish]) for one in CASES)]
    if unknown:
        print(f"no such case: {', '.join(unknown)}; see --list", file=sys.stderr)
        return 2
    if given.list:
        for one in chosen:
            print(_as_json(one) if given.json else _as_text(one))
        return 0
    try:
        with Farm(given.port) as farm:
            _serve(farm, chosen, given.settings)
    except OSError as error:
        print(f"the farm cannot be served at port {given.port}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        pass
    return 0


def _wishes() -> argparse.ArgumentParser:
    wish = argparse.ArgumentParser(
        prog="python -m tests.farm",
        description="Serves sites that misbehave, to point any feed reader at.",
    )
    wish.add_argument("--list", action="store_true", help="name the cases and end")
    wish.add_argument("--json", action="store_true", help="with --list: a JSON object a line")
    wish.add_argument("--port", type=int, default=8099, help="on 127.0.0.1 (8099)")
    wish.add_argument(
        "--case", action="append", default=[], metavar="NUMBER",
        help="only this one, or all variants of it: 05a, or 05 (may be repeated)",
    )  # fmt: skip
    wish.add_argument(
        "--settings", type=Path, metavar="FOLDER",
        help="write FOLDER/config, under which news-ingest reaches the farm",
    )  # fmt: skip
    return wish


def _is_meant(one: Case, wishes: list[str]) -> bool:
    return one.number in wishes or one.number.rstrip("abcdefghijklmnop") in wishes


def _as_json(one: Case) -> str:
    row = {"number": one.number, "name": one.name, "does": one.does, "must": one.must}
    return json.dumps(row, ensure_ascii=False)


def _as_text(one: Case) -> str:
    return f"{one.number:4} {one.name}\n     does: {one.does}\n     must: {one.must}"


def _serve(farm: Farm, chosen: list[Case], folder: Path | None) -> None:
    stalls = [(one, farm.set_up(one, lambda: datetime.now(UTC))[0]) for one in chosen]
    hosts = farm.hosts
    if folder is None:
        _show_settings(hosts, stalls)
    else:
        feeds = [{"id": f"case-{one.number}", "url": stall.url} for one, stall in stalls]
        config = write_settings(folder, hosts=hosts, feeds=feeds)
        first = feeds[0]["id"]
        print(f"{len(feeds)} feeds in {config}; in another terminal:")
        print(f"  export NEWS_INGEST_CONFIG={config.resolve()}")
        print(f"  news-ingest feeds test {first}")
        print("  news-ingest run --stage poll")
    print(f"serving {len(stalls)} cases at 127.0.0.1:{farm.site.port} until Ctrl-C; requests:")
    shown = 0
    while True:
        asked = farm.requests()
        for seen in asked[shown:]:
            agent = seen.header("user-agent") or "no agent"
            print(f"{datetime.now(UTC):%H:%M:%S} {seen.method} {seen.host}{seen.path}  ({agent})")
        shown = len(asked)
        sys.stdout.flush()
        time.sleep(_LOOK_SECONDS)


def _show_settings(hosts: dict[str, str], stalls: list[tuple[Case, Stall]]) -> None:
    print("# for config/pipeline.yml")
    print("address_guard:\n  hosts:")
    for host, place in hosts.items():
        print(f'    "{host}": "{place}"')
    print("# for config/feeds.yml")
    print("feeds:")
    for one, stall in stalls:
        print(f"  - url: {stall.url}   # {one.number} {one.name}")


if __name__ == "__main__":
    sys.exit(main())
