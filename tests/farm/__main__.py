"""Serves the farm by hand, to point any feed reader at.

    python -m tests.farm [--port 8099] [--case NUMBER …]
    python -m tests.farm --list [--json]

Each case has hosts of its own under `.example`; README.md here says how to reach them.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from datetime import UTC, datetime

from tests.farm.all_cases import CASES
from tests.farm.server import Farm

_LOOK_SECONDS = 0.2


def main() -> int:
    """Do what the arguments say; gives the exit code."""
    wish = argparse.ArgumentParser(prog="python -m tests.farm", description=__doc__)
    wish.add_argument("--list", action="store_true", help="name the cases and end")
    wish.add_argument("--json", action="store_true", help="with --list: a JSON object a line")
    wish.add_argument("--port", type=int, default=8099)
    wish.add_argument("--case", action="append", default=[], metavar="NUMBER")
    given = wish.parse_args()
    chosen = [one for one in CASES if not given.case or one.number in given.case]
    unknown = sorted(set(given.case) - {one.number for one in chosen})
    if unknown:
        print(f"no such case: {', '.join(unknown)}; see --list", file=sys.stderr)
        return 2
    if given.list:
        for one in chosen:
            row = {"number": one.number, "name": one.name, "does": one.does, "must": one.must}
            print(
                json.dumps(row, ensure_ascii=False)
                if given.json
                else f"{one.number:4} {one.name}\n     does: {one.does}\n     must: {one.must}"
            )
        return 0
    try:
        _serve(given.port, {one.number for one in chosen})
    except OSError as error:
        print(f"port {given.port} cannot be used: {error}", file=sys.stderr)
        return 2
    return 0


def _serve(port: int, numbers: set[str]) -> None:
    with Farm(port) as farm:
        stalls = [
            farm.set_up(one, lambda: datetime.now(UTC))[0] for one in CASES if one.number in numbers
        ]
        print("address_guard:\n  hosts:")
        for host, place in farm.hosts.items():
            print(f'    "{host}": "{place}"')
        print("feeds:")
        for stall in stalls:
            print(f"  - url: {stall.url}")
        print("serving until Ctrl-C; requests:", flush=True)
        shown = 0
        try:
            while True:
                time.sleep(_LOOK_SECONDS)
                asked = farm.requests()
                for seen in asked[shown:]:
                    print(f"{datetime.now(UTC):%H:%M:%S} {seen.method} {seen.host}{seen.path}")
                shown = len(asked)
                sys.stdout.flush()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    sys.exit(main())
