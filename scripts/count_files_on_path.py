"""Counts the files that one entry runs through on its way from poll to index, by a trace of `demo`.

    python scripts/count_files_on_path.py [--max NUMBER] [--list FILE]

Runs `news-ingest demo --once` with a trace in every stage's process and in their child processes.
A file of ingest/ or processors/ counts where a function of it (not the body of a module or of a
class, nothing that an import runs) was called while records were handled:

- in a stage, from the first time it reads from the log or appends to it;
- in a child process, from the first item that it is given.

What starts and sets up a stage is not the path of an entry: ingest/cli/, ingest/settings/ and
ingest/bootstrap/ never count, nor do the files that only watch a stage. The demo runs on the embedded engines, so the adapters of Kafka and
Elasticsearch do not count either.

Prints each file with the stages that call it, and the number by stage and in total. With `--max`
it exits with status 1 when the total is larger.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDERS = ("ingest", "processors")
#: What starts a stage, sets it up and watches it.
BESIDE = (
    *("ingest/cli/", "ingest/settings/", "ingest/bootstrap/"),
    *("ingest/pipeline/health.py", "ingest/pipeline/sampler.py"),
)
#: Where a process begins to handle records: folder and name of the function.
STARTS = (
    ("ingest/adapters/", "read"),
    ("ingest/adapters/", "append"),
    ("ingest/children/", "_answer"),
)
#: Stands as sitecustomize.py before every other folder, so each process of the demo runs it first.
HOOK = """
import os, sys, threading

root, out, folders, starts = {root!r}, {out!r}, {folders!r}, {starts!r}
command = sys.orig_argv
if "--stage" in command:
    os.environ["TRACED_STAGE"] = command[command.index("--stage") + 1]
stage = os.environ.get("TRACED_STAGE")
is_child = "ingest.children.main" in command
seen, begun = set(), False


def trace(frame, event, argument):
    global begun
    code = frame.f_code
    if code in seen:
        return
    path = code.co_filename
    if not path.startswith(folders):
        seen.add(code)
        return
    name = path[len(root) + 1 :]
    if not begun:
        begun = any(name.startswith(at) and code.co_name == start for at, start in starts)
        if not begun:
            return
    if not code.co_flags & 1:  # CO_OPTIMIZED: functions have it, bodies of modules and classes do not
        seen.add(code)
        return
    caller = frame.f_back
    while caller is not None:
        if caller.f_code.co_filename == "<frozen importlib._bootstrap>":
            return
        caller = caller.f_back
    seen.add(code)
    os.write(file, (name + "\\n").encode())


if stage:
    path = os.path.join(out, f"{{stage}}{{'-child' if is_child else ''}}-{{os.getpid()}}")
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    threading.settrace(trace)
    sys.settrace(trace)
"""


def main() -> int:
    """Run the demo, print what it called, and say whether that is few enough."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--max", type=int, help="exit with status 1 when more files are called")
    parser.add_argument("--list", type=Path, help="also write the files and their stages here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = by_file(traced(Path(folder)))
    lines = [f"{name}\t{' '.join(sorted(stages))}" for name, stages in sorted(found.items())]
    print("\n".join(lines))
    if arguments.list:
        arguments.list.write_text("\n".join(lines) + "\n", encoding="utf-8")
    for stage in sorted({stage for stages in found.values() for stage in stages}):
        print(f"{sum(stage in stages for stages in found.values()):6} {stage}")
    print(f"{len(found):6} files on the path of an entry")
    if arguments.max is not None and len(found) > arguments.max:
        print(f"error: more than {arguments.max}: join files that one entry runs through")
        return 1
    return 0


def traced(folder: Path) -> dict[str, set[str]]:
    """Return the files that each stage called in a run of the demo.

    Errors: SystemExit when the demo fails or a process handled no record.
    """
    hooks, out = folder / "hooks", folder / "out"
    hooks.mkdir()
    out.mkdir()
    folders = tuple(f"{ROOT / name}{os.sep}" for name in FOLDERS)
    hook = HOOK.format(root=str(ROOT), out=str(out), folders=folders, starts=STARTS)
    (hooks / "sitecustomize.py").write_text(hook, encoding="utf-8")
    command = [sys.executable, "-m", "ingest.cli.main", "demo", "--once", "--work"]
    done = subprocess.run(  # noqa: S603 - our own command
        [*command, str(folder / "demo")],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(hooks), str(ROOT)))},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        log = folder / "demo" / "stages.log"
        lines = log.read_text(encoding="utf-8") if log.exists() else done.stdout
        raise SystemExit(f"the demo failed:\n{lines[-3000:]}")
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted(out.iterdir()):
        stage = path.name.rpartition("-")[0]
        names = path.read_text(encoding="utf-8").split()
        found[stage].update(name for name in names if not name.startswith(BESIDE))
    silent = [stage for stage, names in found.items() if not names]
    if silent or not any(stage.endswith("-child") for stage in found):
        raise SystemExit(f"no record was handled in {silent or 'children'}: look at STARTS")
    return found


def by_file(found: Mapping[str, Iterable[str]]) -> dict[str, set[str]]:
    """Return the stages by file."""
    turned: dict[str, set[str]] = defaultdict(set)
    for stage, names in found.items():
        for name in names:
            turned[name].add(stage)
    return turned


if __name__ == "__main__":
    sys.exit(main())
