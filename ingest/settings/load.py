"""Loads all of config/, or rejects it with all its faults at once."""

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
from ingest.masking import is_secret_name, remember, remember_address
from ingest.ports import TopicSpec
from ingest.settings.environment import overridden
from ingest.settings.faults import faults_of
from ingest.settings.feeds import FeedsFile, read_feeds
from ingest.settings.options import PipelineSettings, StageOptions
from ingest.settings.sites import Sites, read_sites
from ingest.settings.topics import topics_of
from ingest.settings.yaml_file import YamlFile, read_yaml

#: The shortest polite gap for hosts of others.
MIN_FOREIGN_GAP_SECONDS = 0.2


class Settings(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """All settings of config/ and the environment. `root` is the parent folder of config/.

    `feeds` are read on first use: many verbs and most stages need none, and a hundred thousand of
    them take seconds.
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
        return self.root / self.pipeline.archive.folder  # which may be absolute

    def path_of(self, url: str) -> Path:
        """Return the file of a sqlite:/// URL; a relative one is relative to `root`."""
        rest = url.removeprefix("sqlite:///")
        return Path(rest) if rest.startswith("/") else self.root / rest


def config_folder(named: Path | None, environment: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of the settings: `named`, else NEWS_INGEST_CONFIG, else `./config`.

    Errors: ConfigError when no such folder.
    """
    folder = named or Path(environment.get("NEWS_INGEST_CONFIG") or "config")
    if not folder.is_dir():
        reason = "no such folder"
        remedy = "make one with `news-ingest init`, or name it with --config or NEWS_INGEST_CONFIG"
        raise ConfigError([ConfigFault(str(folder), None, "config", None, reason, remedy)])
    return folder.resolve()


def load(folder: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of this folder.

    Faults of single feeds are in `feeds.faults`, so that the valid feeds can be used. Errors:
    ConfigError with all other faults.
    """
    faults: list[ConfigFault] = []
    topics: tuple[TopicSpec, ...] = ()
    try:
        topics = topics_of(read_yaml(folder / "topics.yml"))
    except ConfigError as error:
        faults += error.faults
    sites, site_faults = read_sites(folder / "sites.yml")
    try:
        pipeline_file = read_yaml(folder / "pipeline.yml")
    except ConfigError as error:
        raise ConfigError(error.faults + faults + site_faults) from error
    pipeline = _pipeline(pipeline_file, environment, topics)
    faults += site_faults + pipeline_file.faults
    if faults or pipeline is None:
        raise ConfigError(faults)
    return Settings(
        folder=folder,
        pipeline=pipeline,
        pipeline_file=pipeline_file,
        topics=topics,
        sites=sites,
        feeds_reader=lambda: read_feeds(folder / "feeds.yml", environment),
    )


def _pipeline(
    file: YamlFile, environment: Mapping[str, str], topics: tuple[TopicSpec, ...]
) -> PipelineSettings | None:
    data, found = overridden(file.data, environment)
    file.faults += found
    _remember_secrets(data)
    try:
        settings = PipelineSettings.model_validate(data)
    except ValidationError as error:
        file.faults += faults_of(error, PipelineSettings, file)
        good = _without_faults(data, error)
        if good is not None:
            _check_together(file, good, topics)
        return None
    _check_together(file, settings, topics)
    return settings


def _remember_secrets(data: Mapping[str, Any]) -> None:
    """Mask the passwords and keys of these settings, and the logins in their addresses."""
    for block in data.values():
        for name, value in block.items() if isinstance(block, Mapping) else ():
            if is_secret_name(name):
                remember(str(value))
            elif name == "url":
                remember_address(str(value))


def _without_faults(data: Mapping[str, Any], error: ValidationError) -> PipelineSettings | None:
    """Return the settings without their faults, so that the rest can be checked too.

    A stage with a fault is left out, and so is what may depend on a fault.
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


def _check_together(
    file: YamlFile, settings: PipelineSettings, topics: tuple[TopicSpec, ...]
) -> None:
    """Add the faults of options that do not fit together."""
    _check_urls(file, settings)
    partitions = {topic.name: topic.partitions for topic in topics}
    for name, stage in settings.stages.items():
        _check_topics(file, name, stage, partitions)
    if partitions:  # empty when topics.yml has a fault
        for name, stage in settings.stages.items():
            _check_backfill_topics(file, name, stage, partitions)
    gap = settings.fetching.gap_seconds
    if gap < MIN_FOREIGN_GAP_SECONDS and not settings.address_guard.hosts:
        reason = "so short a gap is only for hosts of this machine"
        remedy = f"at least {MIN_FOREIGN_GAP_SECONDS}, or add the hosts to address_guard.hosts"
        file.refuse(("fetching", "gap_seconds"), gap, reason, remedy)


def _check_urls(file: YamlFile, settings: PipelineSettings) -> None:
    for block, allowed, example in (
        ("log", ("sqlite", "kafka"), "sqlite:///var/log.db or kafka://host:9092"),
        ("index", ("sqlite", "http", "https"), "sqlite:///var/index.db or http://host:9200"),
    ):
        url = getattr(settings, block).url
        try:
            scheme, _ = urlsplit(url).scheme, urlsplit(url.partition(",")[0]).port
        except ValueError:
            reason = "is not an address"
            remedy = "check host and port; in a password write `/` as %2F, `@` as %40"
            file.refuse((block, "url"), url, reason, remedy)
            continue
        if scheme not in allowed or (scheme == "sqlite" and not url.startswith("sqlite:///")):
            file.refuse((block, "url"), url, "no such engine", f"write {example}")


def _check_topics(file: YamlFile, name: str, stage: StageOptions, known: Mapping[str, int]) -> None:
    for key in _needed(stage):
        place, topic = ("stages", name, key), getattr(stage, key)
        if not topic:
            reason = f"a stage of kind {stage.kind} needs it"
            file.refuse(place, None, reason, "use a topic in config/topics.yml")
        elif known and topic not in known:
            reason = "no such topic in config/topics.yml"
            file.refuse(place, topic, reason, "add it there, or use one that exists")


def _check_backfill_topics(
    file: YamlFile, name: str, stage: StageOptions, partitions: Mapping[str, int]
) -> None:
    """Check the backfill topics of a stage: they need as many partitions as the main ones."""
    for key, beside in (("backfill_reads", stage.reads), ("backfill_writes", stage.writes)):
        topic = getattr(stage, key)
        if not topic:
            continue
        if topic not in partitions:
            reason, remedy = "no such topic in config/topics.yml", "add it there, or leave it out"
        elif not beside:
            reason, remedy = f"a stage of kind {stage.kind} has no use for it", "take it out"
        elif partitions.get(beside, partitions[topic]) != partitions[topic]:
            reason = f"{partitions[topic]} partitions, and {beside} has {partitions[beside]}"
            remedy = "give both the same number in config/topics.yml"
        else:
            continue
        file.refuse(("stages", name, key), topic, reason, remedy)


def _needed(stage: StageOptions) -> tuple[str, ...]:
    if stage.kind == "poll":
        return ("writes",)
    return ("reads",) if stage.kind in ("archive", "index") else ("reads", "writes")
