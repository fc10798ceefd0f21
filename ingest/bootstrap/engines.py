"""Opens the log, the index and Kibana as the settings say, and builds chains of processors."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Event as Flag
from typing import TYPE_CHECKING, Any, TypeVar

from ingest import registry
from ingest.adapters.own_files import make_folder
from ingest.errors import ConfigError, ConfigFault, DependencyUnavailable
from ingest.ports import Index, Log
from ingest.registry import Built
from ingest.settings.feeds import read_feeds
from ingest.settings.load import Settings, load
from ingest.settings.sites import LiveSites
from ingest.settings.yaml_file import read_yaml
from ingest.telemetry import Event

if TYPE_CHECKING:
    from ingest.adapters.elastic_index.security import ElasticSecurity
    from ingest.adapters.kibana import Kibana

Result = TypeVar("Result")

waiting_for_dependency = Event("waiting_for_dependency", level="warning")


def now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC)


def schema_versions() -> dict[str, str]:
    """Return the versions of what this program writes, by engine."""
    from ingest.adapters.elastic_index.body import SCHEMA_VERSION as ELASTIC_VERSION
    from ingest.adapters.sqlite_index import schema as sqlite_index
    from ingest.adapters.sqlite_log import schema as sqlite_log
    from ingest.records.outputs import SCHEMA_VERSION as RECORDS_VERSION

    return {
        "records of the log, Kafka and SQLite": RECORDS_VERSION,
        "file of the log, SQLite": str(sqlite_log.VERSION),
        "file of the index, SQLite": str(sqlite_index.VERSION),
        "indices, Elasticsearch": str(ELASTIC_VERSION),
    }


def checked_settings(folder: Path, stage: str = "") -> Settings:
    """Return the settings of this folder, with processors and feeds checked too.

    With a `stage`, only the processors and feeds that it uses are checked, and loaded.
    Errors: ConfigError with every fault.
    """
    try:
        settings = load(folder)
    except ConfigError as error:
        raise ConfigError([*error.faults, *_further_faults(folder)]) from error
    file, faults = settings.pipeline_file, []
    stages = settings.pipeline.stages
    judged = {stage: stages[stage]} if stage in stages else stages
    for name, options in judged.items():
        faults += registry.faults(registry.chosen(options.processors, name), file, folder)
    if judged is stages or judged[stage].kind == "poll":
        faults += settings.feeds.faults
    if faults:
        raise ConfigError(faults)
    return settings


def _further_faults(folder: Path) -> list[ConfigFault]:
    """Return the faults of feeds and processors when other settings have faults already."""
    faults = list(read_feeds(folder / "feeds.yml").faults)
    try:
        file = read_yaml(folder / "pipeline.yml")
    except ConfigError:
        return faults
    stages = file.data.get("stages")
    for name, stage in stages.items() if isinstance(stages, dict) else ():
        listed = stage.get("processors") if isinstance(stage, dict) else None
        if isinstance(listed, list) and all(_is_processor(item) for item in listed):
            faults += registry.faults(registry.chosen(listed, name), file, folder)
    return faults


def _is_processor(item: object) -> bool:
    if isinstance(item, dict):
        return all(options is None or isinstance(options, dict) for options in item.values())
    return isinstance(item, str)


def open_log(settings: Settings, *, applies: bool = True) -> Log:
    """Return the log of the settings; with `applies` the embedded one gets missing topics.

    Errors: LogUnavailable, LogRefused.
    """
    options = settings.pipeline.log
    if options.url.startswith("kafka://"):
        from ingest.adapters.kafka_log import KafkaLog

        address = options.url.removeprefix("kafka://")
        return KafkaLog(address, options, prefix=settings.pipeline.topics.prefix)
    from ingest.adapters.sqlite_log import SqliteLog

    path = settings.path_of(options.url)
    make_folder(path.parent)
    log = SqliteLog(path, options)
    if applies and log.differences(settings.topics):
        log.apply(settings.topics)
    return log


def open_index(settings: Settings) -> Index:
    """Return the index of the settings. Errors: IndexUnavailable, IndexDiffers."""
    options = settings.pipeline.index
    if not options.url.startswith("sqlite:///"):
        from ingest.adapters.elastic_index import ElasticIndex

        return ElasticIndex(options, config_folder=settings.folder, clock=now)
    from ingest.adapters.sqlite_index import SqliteIndex

    path = settings.path_of(options.url)
    make_folder(path.parent)
    return SqliteIndex(path, options, clock=now)


def open_security(settings: Settings) -> ElasticSecurity:
    """Return the client that manages the users of the index."""
    from ingest.adapters.elastic_index.security import ElasticSecurity

    return ElasticSecurity(settings.pipeline.index)


def open_kibana(settings: Settings) -> Kibana:
    """Return the client of Kibana."""
    from ingest.adapters.kibana import Kibana

    return Kibana(settings.pipeline.kibana, sleep=time.sleep, monotonic=time.monotonic)


def retry_until_available(
    open_it: Callable[[], Result], timeout_seconds: float, stop: Flag | None = None
) -> Result:
    """Return the result of `open_it`, called again with growing pauses while it is unavailable.

    Errors: the last DependencyUnavailable after the timeout (exit status 2); any other at once.
    """
    until = time.monotonic() + timeout_seconds
    wait = 0.2
    while True:
        try:
            return open_it()
        except DependencyUnavailable as error:
            if time.monotonic() >= until or (stop is not None and stop.is_set()):
                error.was_waited_for = True
                raise
            waiting_for_dependency(cause=str(error))
            time.sleep(wait)
            wait = min(wait * 2, 5.0)


def chain_of(settings: Settings, stage: str, **needs: Any) -> list[Built]:
    """Return the processors of a stage, built in order. Errors: UnknownName, ConfigError."""
    blocks = settings.pipeline.stages[stage].processors
    sites = LiveSites(settings.folder / "sites.yml", settings.sites)
    available = {
        "clock": now, "config_folder": settings.folder, "children": 0, "index": None,
        "sites": sites.rules_of, **needs,
    }  # fmt: skip
    return [registry.built(item, available) for item in registry.chosen(blocks, stage)]


class LazyIndex:
    """The index, opened on first use: stages of kind fetch and enrich often need none."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._index: Index | None = None

    def __getattr__(self, name: str) -> Any:
        if self._index is None:
            self._index = open_index(self._settings)
        return getattr(self._index, name)

    def probe(self) -> None:
        if self._index is not None:
            self._index.ping()

    def close(self) -> None:
        if self._index is not None:
            self._index.close()
