"""`news-ingest demo`: runs the whole pipeline on the sites of seeds/, on this machine only."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from ruamel.yaml import YAML

from ingest import telemetry
from ingest.bootstrap.engines import now
from ingest.cli.archive.search import hits_table
from ingest.cli.context import opened_index, opened_log, shows_errors
from ingest.cli.demo.seed_sites import SeedSites
from ingest.cli.run import stop_on_signals
from ingest.cli.terminal_text import err, out, print_table, say
from ingest.operations.audit import Audit, audited
from ingest.pipeline.supervisor import supervise
from ingest.ports import Log
from ingest.query import Everything, SearchRequest
from ingest.records.stage_plan import names_at_work, plans
from ingest.search.parse import parse
from ingest.search_fields import FACETS
from ingest.settings.environment import PREFIX
from ingest.settings.load import Settings, config_folder, load

QUIET_SECONDS = 1.0
LOOK_SECONDS = 0.4
GIVE_UP_SECONDS = 180.0
DEFAULT_QUERY = "bridge OR ferry"
#: Files of config/ that the demo copies unchanged.
COPIED = ("topics.yml", "sites.yml", "watches.yml", "index")


@shows_errors
def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Exit when done (otherwise at Ctrl-C).")
    ] = False,
    seeds: Annotated[Path, typer.Option(help="Folder of seed sites.")] = Path("seeds"),
    work: Annotated[Path, typer.Option(help="Folder for its files; recreated.")] = Path("var/demo"),
    query: Annotated[str, typer.Option(help="The example search.")] = DEFAULT_QUERY,
    config: Annotated[Path, typer.Option(help="Settings folder to start from.")] = Path("config"),
) -> None:
    """Run the whole pipeline on the sites of invented publishers, and search the result.

    The demo has its own log and index and ignores NEWS_INGEST_… variables of the shell.
    """
    started = time.monotonic()
    stop = stop_on_signals()
    sites = SeedSites(seeds)
    port = sites.start()
    environment = without_settings(os.environ)
    ignored = sorted(os.environ.keys() - environment.keys())
    folder = prepared(config_folder(config, environment), work, sites, port)
    telemetry.configure("demo", stream=(work / "demo.log").open("w", encoding="utf-8"))
    settings = load(folder, environment)
    if ignored:
        say(f"ignored variables: {', '.join(ignored)}")
    out.print(
        f"{len(sites.sites)} publishers' sites on 127.0.0.1:{port}, log and index in {work}/var"
    )
    code: list[int] = []
    result: Audit | None = None
    environment["NEWS_INGEST_CONFIG"] = str(folder)
    tree = threading.Thread(
        target=lambda: code.append(_run(settings, work, environment, stop)), name="stages"
    )
    tree.start()
    try:
        result = _follow(settings, sites, stop, code)
        if result is not None:
            _report(settings, sites, result, query, time.monotonic() - started)
        if not once and not code:
            out.print(
                f"The sites and the pipeline run until Ctrl-C. Search with:\n"
                f"  news-ingest search --config {folder} 'person:\"…\"'"
            )
            while not stop.wait(LOOK_SECONDS) and not code:
                pass
    finally:
        stop.set()
        tree.join()
        sites.stop()
    if result is None:
        err.print(f"error: the demo did not finish; see {work}/stages.log")
        raise typer.Exit(code[0] if code and code[0] else 1)


def without_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without NEWS_INGEST_…, which would point stages at other logs."""
    return {name: value for name, value in environment.items() if not name.startswith(PREFIX)}


def prepared(source: Path, work: Path, sites: SeedSites, port: int) -> Path:
    """Make the demo's own config folder from scratch and return it."""
    shutil.rmtree(work, ignore_errors=True)
    folder = work / "config"
    folder.mkdir(parents=True)
    for name in COPIED:
        if (source / name).is_dir():
            shutil.copytree(source / name, folder / name)
        elif (source / name).exists():
            shutil.copy(source / name, folder / name)
    write_pipeline(
        source,
        folder,
        log={"url": "sqlite:///var/log.db", "session_timeout_seconds": 5},
        index={"url": "sqlite:///var/index.db"},
        address_guard={"hosts": dict.fromkeys(sites.sites, f"127.0.0.1:{port}")},
        fetching={"gap_seconds": 0, "contact_url": "https://demo.example/contact"},
        polling={"min_interval_seconds": 2, "mean_interval_minutes": 0.1},
        retry={"delays_seconds": [1, 2, 3]},
        telemetry={"ports": {}, "format": "json"},
    )
    feeds = [
        {
            "url": f"http://{site.host}{site.feed}",
            "publisher": site.publisher,
            "publisher_country": site.country,
            "language": site.language,
            "min_interval_minutes": 0.05,
        }
        for site in sites.sites.values()
    ]
    with (folder / "feeds.yml").open("w", encoding="utf-8") as file:
        YAML().dump({"feeds": feeds}, file)
    return folder.resolve()


def write_pipeline(source: Path, folder: Path, **blocks: Mapping[str, object]) -> None:
    """Write pipeline.yml of `source` to the folder, with these blocks in place of its own."""
    yaml = YAML()
    pipeline = yaml.load((source / "pipeline.yml").read_text(encoding="utf-8"))
    pipeline.update(blocks)
    with (folder / "pipeline.yml").open("w", encoding="utf-8") as file:
        yaml.dump(pipeline, file)


def _run(
    settings: Settings, work: Path, environment: Mapping[str, str], stop: threading.Event
) -> int:
    """Run the stages; their log lines go to a file beside the data."""
    with (work / "stages.log").open("wb") as lines:
        return supervise(
            names_at_work(settings.pipeline), stop, environment=environment, output=lines
        )


def _follow(
    settings: Settings, sites: SeedSites, stop: threading.Event, code: list[int]
) -> Audit | None:
    """Show progress until nothing waits; None when it was stopped or gave up."""
    columns = (
        TextColumn("{task.description:>10}"),
        BarColumn(30),
        TextColumn("{task.fields[note]}"),
    )
    quiet_since = float("inf")
    bars = Progress(*columns, TimeElapsedColumn(), console=out, transient=False)
    with opened_log(settings) as log, opened_index(settings) as index, bars as progress:
        tasks = {
            name: progress.add_task(name, total=None, note="")
            for name in ("polled", "fetched", "searchable")
        }
        began = time.monotonic()
        while time.monotonic() - began < GIVE_UP_SECONDS and not stop.is_set() and not code:
            found = audited(log, index, plans(settings.pipeline))
            count = len(sites.sites)
            polled = sum(1 for site in sites.sites.values() if sites.count(site.host, site.feed))
            unfetched = _unfetched(log, settings)
            done = found.searchable + found.dropped + found.dead_letters
            entries = found.entries or 0
            fates = (
                f"{found.searchable} searchable, {found.dropped} dropped, "
                f"{found.dead_letters} dead letters"
            )
            for name, total, completed, note in (
                ("polled", count, polled, f"{polled} of {count} feeds, {entries} entries"),
                ("fetched", entries or None, entries - unfetched, "pages and their retries"),
                ("searchable", found.documents or None, done, fates),
            ):
                progress.update(tasks[name], total=total, completed=completed, note=note)
            is_unfinished = polled < count or found.waiting or found.missing or unfetched
            is_quiet = entries > 0 and not is_unfinished
            quiet_since = min(quiet_since, time.monotonic()) if is_quiet else float("inf")
            if time.monotonic() - quiet_since >= QUIET_SECONDS:
                return found
            stop.wait(LOOK_SECONDS)
    return None


def _unfetched(log: Log, settings: Settings) -> int:
    return sum(
        lag.records
        for plan in plans(settings.pipeline)
        if plan.kind == "fetch"
        for lag in log.lag(plan.group, plan.inputs)
    )


def _report(settings: Settings, sites: SeedSites, found: Audit, query: str, seconds: float) -> None:
    """Print what came in, and the example search."""
    with opened_index(settings) as index:
        everything = SearchRequest(query=Everything(), size=0, facets=tuple(FACETS), facet_size=100)
        result = index.search(everything)
        counts = {one.value: one.count for one in result.facets["publisher"]}
        rows = [
            (site.publisher, site.host, counts.get(site.publisher, 0))
            for site in sites.sites.values()
        ]
        print_table(("publisher", "site", "documents"), rows, title="What came in")
        languages = ", ".join(f"{one.value} {one.count}" for one in result.facets["language"])
        say(
            f"{found.entries} entries: {found.searchable} searchable, {found.dropped} dropped, "
            f"{found.dead_letters} dead letters, {len(found.missing)} missing; "
            f"languages: {languages}; {seconds:.0f} s"
        )
        out.print(f"\nnews-ingest search '{query}'", style="bold", highlight=False, markup=False)
        tree = parse(query, now())
        request = SearchRequest(query=tree, size=5, facets=tuple(FACETS))
        out.print(hits_table(index.search(request), tree))
