"""`news-ingest trial`: polls the configured feeds for some hours and reports what they did."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Mapping
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from ingest import telemetry
from ingest.bootstrap.engines import now
from ingest.cli.context import (
    ConfigOption,
    JsonOption,
    opened_index,
    opened_log,
    shows_errors,
    whole_settings_of,
)
from ingest.cli.demo import write_pipeline
from ingest.cli.run import stop_on_signals
from ingest.cli.terminal_text import err, print_json, say
from ingest.errors import WrongArgument
from ingest.operations.trial import as_markdown, trial_report
from ingest.pipeline.supervisor import StageProcess, supervise
from ingest.records.stage_plan import names_at_work
from ingest.settings.live_feeds import accepted_path
from ingest.settings.load import load

SAMPLE_SECONDS = 1.0
#: Blocks of the pipeline that a trial has of its own.
OWN: dict[str, dict[str, object]] = {
    "log": {"url": "sqlite:///var/log.db"},
    "index": {"url": "sqlite:///var/index.db"},
    "archive": {"folder": "var/archive"},
    "telemetry": {"ports": {}, "format": "json", "level": "debug"},
}


@shows_errors
def trial(
    hours: Annotated[float, typer.Option(min=0.0, help="How long to poll; 0.5 is possible.")] = 24,
    work: Annotated[Path, typer.Option(help="Folder for its files.")] = Path("var/trial"),
    resume: Annotated[bool, typer.Option(help="Continue the trial in this folder.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Poll the configured feeds for some hours and write a report that may be shared: report.md.

    The trial has a log, an index and an archive of its own. Ctrl-C ends it early, with the report.
    """
    stop, lines = stop_on_signals(), work / "stages.log"
    if work.exists() and not resume:
        remedy = "name another folder with --work, or continue that trial with --resume"
        raise WrongArgument("the folder exists", value=str(work), origin="--work", remedy=remedy)
    folder = _prepared(whole_settings_of(config).folder, work)
    own = tuple(f"NEWS_INGEST_{block.upper()}_" for block in OWN)
    environment = {name: one for name, one in os.environ.items() if not name.startswith(own)}
    environment["NEWS_INGEST_CONFIG"] = str(folder)
    settings = load(folder, environment)
    names = names_at_work(settings.pipeline)
    say(f"{len(settings.feeds.feeds)} feeds for {hours:g} h; Ctrl-C ends it early; to watch:", err)
    say(f"  news-ingest status --watch --config {folder}", err)
    until, peaks = time.monotonic() + hours * 3600, dict.fromkeys(names, 0)

    def watch(children: Mapping[str, StageProcess]) -> None:
        while time.monotonic() < until and not stop.wait(SAMPLE_SECONDS):
            for name, child in children.items():
                if (process := child.process) is not None:
                    peaks[name] = max(peaks[name], _resident_bytes(process.pid))
        stop.set()

    with lines.open("ab") as output:
        telemetry.configure("trial", stream=TextIOWrapper(output, "utf-8"), as_json=True)
        code = supervise(
            names, stop, environment=environment, output=output,
            on_started=lambda them: threading.Thread(target=watch, args=[them], daemon=True).start(),
        )  # fmt: skip
    with opened_log(settings) as log, opened_index(settings) as index, lines.open("rb") as told:
        report = trial_report(settings, log, index, told, peaks, now())
    (work / "report.md").write_text(as_markdown(report), encoding="utf-8")
    if as_json:
        print_json(report)
    say(f"the report: {work / 'report.md'}" + (f"; a stage failed: {lines}" if code else ""), err)
    raise typer.Exit(code)


def _prepared(source: Path, work: Path) -> Path:
    """Copy the settings into the folder of the trial, with log and index there; return them."""
    folder = (work / "config").resolve()
    if folder != source:
        ignored = shutil.ignore_patterns(accepted_path(source).name)
        shutil.copytree(source, folder, ignore=ignored, dirs_exist_ok=True)
        accepted_path(folder).unlink(missing_ok=True)  # the list needs no confirmation here
    write_pipeline(source, folder, **OWN)
    return folder


def _resident_bytes(pid: int) -> int:
    """Return the resident bytes of a process and its descendants; 0 on systems without /proc."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        threads = Path(f"/proc/{pid}/task").glob("*/children")
        children = [int(one) for file in threads for one in file.read_text().split()]
    except (OSError, ValueError):
        return 0  # it has ended
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(map(_resident_bytes, children))
