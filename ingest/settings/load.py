"""Reads all of config/ at once and refuses it with every fault that it holds."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from pydantic import ValidationError

from ingest.errors import ConfigError, ConfigFault
from ingest.ports import TopicSpec
from ingest.settings.environment import overridden
from ingest.settings.faults import faults_of
from ingest.settings.feeds import FeedsFile, read_feeds
from ingest.settings.options import PipelineSettings, StageOptions
from ingest.settings.sites import Sites, read_sites
from ingest.settings.topics import topics_of
from ingest.settings.yaml_file import YamlFile, plain, read_yaml

#: The smallest gap that is polite enough for hosts that are not our own.
MIN_FOREIGN_GAP_SECONDS = 0.2


class Settings(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Everything config/ and the environment say. `root` is the folder above config/.

    `feeds` are read when they are first asked for, once: many verbs and most stages need none,
    and a thousand of them take half a second.
    """

    folder: Path
    pipeline: PipelineSettings
    pipeline_file: YamlFile
    topics: tuple[TopicSpec, ...]
    sites: Sites
    feeds_reader: Callable[[], FeedsFile]

    @cached_property
    def feeds(self) -> FeedsFile:
        return self.feeds_reader()

    @property
    def root(self) -> Path:
        return self.folder.parent

    @property
    def archive_folder(self) -> Path:
        """The folder of the archive of fetched pages."""
        return self.root / self.pipeline.archive.folder  # an absolute one stands for itself

    def path_of(self, url: str) -> Path:
        """Give the file of a sqlite:/// address; a relative one starts above config/."""
        rest = url.removeprefix("sqlite:///")
        return Path(rest) if rest.startswith("/") else self.root / rest


def config_folder(named: Path | None, environment: Mapping[str, str] = os.environ) -> Path:
    """Give the folder that settings are read from: the one named, else NEWS_INGEST_CONFIG,
    else `config` in the working directory.

    Errors: ConfigError when there is no such folder.
    """
    folder = named or Path(environment.get("NEWS_INGEST_CONFIG") or "config")
    if not folder.is_dir():
        raise ConfigError(
            [
                ConfigFault(
                    str(folder),
                    None,
                    "config",
                    None,
                    "there is no such folder",
                    "name it with --config or NEWS_INGEST_CONFIG, or work from the project's folder",
                )
            ]
        )
    return folder.resolve()


def load(folder: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """Give the settings of this folder.

    Faults of single feeds are left in `feeds.faults`, so that a reload can go on with the good
    ones. Errors: ConfigError with all faults of everything else.
    """
    faults: list[ConfigFault] = []
    pipeline_file = _read(folder / "pipeline.yml", faults)
    topics_file = _read(folder / "topics.yml", faults)
    topics, topic_faults = topics_of(topics_file) if topics_file else ((), [])
    faults += topic_faults
    sites, site_faults = read_sites(folder / "sites.yml")
    faults += site_faults
    pipeline = None
    if pipeline_file is not None:
        pipeline = _pipeline(pipeline_file, environment, topics, faults)
    if faults or pipeline is None or pipeline_file is None:
        raise ConfigError(faults)
    return Settings(
        folder=folder,
        pipeline=pipeline,
        pipeline_file=pipeline_file,
        topics=topics,
        sites=sites,
        feeds_reader=lambda: read_feeds(folder / "feeds.yml", environment),
    )


def _read(path: Path, faults: list[ConfigFault]) -> YamlFile | None:
    try:
        return read_yaml(path)
    except ConfigError as error:
        faults += error.faults
        return None


def _pipeline(
    file: YamlFile,
    environment: Mapping[str, str],
    topics: tuple[TopicSpec, ...],
    faults: list[ConfigFault],
) -> PipelineSettings | None:
    data, found = overridden(plain(file.data), environment)
    faults += found
    try:
        settings = PipelineSettings.model_validate(data)
    except ValidationError as error:
        faults += faults_of(error, PipelineSettings, file)
        good = _without_faults(data, error)
        if good is not None:
            faults += _joint_faults(file, good, topics)
        return None
    faults += _joint_faults(file, settings, topics)
    return settings


def _without_faults(data: Mapping[str, Any], error: ValidationError) -> PipelineSettings | None:
    """Give the settings less everything that was wrong, so that the rest can be judged too.

    A stage with a fault goes whole, and what may depend on a fault goes with it.
    """
    places = [one["loc"] for one in error.errors()]
    rest = {
        key: dict(block) if isinstance(block, Mapping) else block for key, block in data.items()
    }
    for block, *inner in places:
        options = rest.get(str(block))
        if inner and isinstance(options, dict):
            options.pop(inner[0], None)
        else:
            rest.pop(str(block), None)
        if block == "address_guard":
            rest.pop("fetching", None)
    try:
        return PipelineSettings.model_validate(rest)
    except ValidationError:
        return None


def _joint_faults(
    file: YamlFile, settings: PipelineSettings, topics: tuple[TopicSpec, ...]
) -> list[ConfigFault]:
    """Give the faults that no option has by itself."""
    faults = _url_faults(file, settings)
    faults += _stage_faults(file, settings, {spec.name for spec in topics})
    faults += _backfill_faults(file, settings, topics)
    fetching, hosts = settings.fetching, settings.address_guard.hosts
    if fetching.gap_seconds < MIN_FOREIGN_GAP_SECONDS and not hosts:
        faults.append(
            file.fault(
                ("fetching", "gap_seconds"),
                fetching.gap_seconds,
                "so short a gap is only for hosts of this machine",
                f"at least {MIN_FOREIGN_GAP_SECONDS}, or name the hosts in address_guard.hosts",
            )
        )
    return faults


def _url_faults(file: YamlFile, settings: PipelineSettings) -> list[ConfigFault]:
    found = []
    for block, allowed in (("log", ("sqlite", "kafka")), ("index", ("sqlite", "http", "https"))):
        url = getattr(settings, block).url
        scheme = urlsplit(url).scheme
        example = (
            "sqlite:///var/log.db or kafka://host:9092"
            if block == "log"
            else "sqlite:///var/index.db or http://host:9200"
        )
        if scheme not in allowed or (scheme == "sqlite" and not url.startswith("sqlite:///")):
            found.append(file.fault((block, "url"), url, "no such engine", f"write {example}"))
    return found


def _stage_faults(
    file: YamlFile, settings: PipelineSettings, topics: set[str]
) -> list[ConfigFault]:
    found = []
    for name, stage in settings.stages.items():
        for key in _needed(stage):
            topic = getattr(stage, key)
            if not topic:
                found.append(
                    file.fault(
                        ("stages", name, key),
                        None,
                        f"a stage of kind {stage.kind} must say it",
                        "name a topic of config/topics.yml",
                    )
                )
            elif topics and topic not in topics:  # none are known when their file is wrong
                found.append(
                    file.fault(
                        ("stages", name, key),
                        topic,
                        "no such topic in config/topics.yml",
                        "add it there, or name one that is",
                    )
                )
    return found


def _backfill_faults(
    file: YamlFile, settings: PipelineSettings, topics: tuple[TopicSpec, ...]
) -> list[ConfigFault]:
    """Give what is wrong with the second topics of stages: partitions must lie side by side."""
    partitions = {topic.name: topic.partitions for topic in topics}
    found = []
    for name, stage in settings.stages.items():
        for key in ("backfill_reads", "backfill_writes"):
            topic = getattr(stage, key)
            beside = stage.reads if key == "backfill_reads" else stage.writes
            if not topic or not topics:
                continue
            if topic not in partitions:
                reason, remedy = (
                    "no such topic in config/topics.yml",
                    "add it there, or leave it out",
                )
            elif not beside:
                reason, remedy = f"a stage of kind {stage.kind} has no use for it", "take it out"
            elif partitions.get(beside, partitions[topic]) != partitions[topic]:
                reason = f"{partitions[topic]} partitions, and {beside} has {partitions[beside]}"
                remedy = "give both the same number in config/topics.yml"
            else:
                continue
            found.append(file.fault(("stages", name, key), topic, reason, remedy))
    return found


def _needed(stage: StageOptions) -> tuple[str, ...]:
    if stage.kind == "poll":
        return ("writes",)
    return ("reads",) if stage.kind in ("archive", "index") else ("reads", "writes")
