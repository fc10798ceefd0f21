"""Reads config/feeds.yml: groups, feeds, and everything that is wrong with them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

import msgspec
from msgspec.structs import replace
from pydantic import AfterValidator, Field, ValidationError

from ingest.errors import ConfigError, ConfigFault
from ingest.identity import feed_id_of_url, registrable_domain
from ingest.model import Feed
from ingest.settings.faults import faults_of, nearest
from ingest.settings.feed_list import FeedListFile, feed_list_of
from ingest.settings.options import Options
from ingest.settings.yaml_file import YamlFile, parse_yaml, plain, read_text

_NO_HEADERS: dict[str, str] = {}  # one for all feeds


def _known_zone(name: str) -> str:
    if name and name not in available_timezones():
        near = nearest(name, available_timezones())
        raise ValueError(f"no such time zone{f', did you mean {near}?' if near else ''}")
    if name:
        ZoneInfo(name)
    return name


def _http_address(url: str) -> str:
    if not url.lower().startswith(("http://", "https://")) or not registrable_domain(url):
        raise ValueError("must be a full http:// or https:// address")
    return url


class Secret(Options):
    """A secret by reference: an environment variable or a file, never the value itself."""

    env: str = Field("", description="name of the environment variable that holds it")
    file: str = Field("", description="path of the file that holds it, and nothing else")


class FeedSettings(Options):
    """What a feed or a group may say; a feed's own word wins over its group's."""

    publisher: str = Field("", description="the organisation behind the feed; its domain if empty")
    publisher_country: str = Field(
        "", pattern=r"^([A-Z]{2})?$", description="ISO 3166 code of two letters"
    )
    language: str = Field("", pattern=r"^([a-z]{2})?$", description="ISO 639-1 code of two letters")
    timezone: Annotated[str, AfterValidator(_known_zone)] = Field(
        "", description="for dates without a zone; UTC if empty"
    )
    date_order: Literal["", "dmy", "mdy", "ymd"] = Field(
        "", description="of dates in numbers alone, such as 3/4/2026, which are not read without it"
    )
    priority: float = Field(1.0, gt=0, description="weight in the share of polls")
    min_interval_minutes: float = Field(
        5.0, gt=0, description="never asked more often; `polling.min_interval_seconds` counts too"
    )
    max_interval_minutes: float = Field(
        1440.0, gt=0, description="asked at least this often while all is well; at most a day"
    )
    respect_ttl: Literal["always", "plausible", "never"] = Field(
        "plausible",
        description="whether the feed's own `ttl` holds polls back; plausible: only when less than one entry is expected within it",
    )
    robots: Literal["obey", "report", "ignore"] = Field(
        "obey",
        description="of the feed's own address: report asks in spite of robots.txt and counts it, ignore does not read it; pages always obey",
    )
    ignore_http_cache: bool = Field(
        False, description="send no ETag or Last-Modified, and do not wait out Cache-Control"
    )
    ignore_entry_updates: bool = Field(
        False, description="take each entry once, whatever the feed changes about it later"
    )
    same_site_only: bool = Field(
        False, description="drop entries that link to another site than the feed's"
    )
    user_agent: str = Field("", description="instead of ours, for this feed's own address")
    headers: dict[str, str] = Field(
        {}, description="more request headers, for this feed's own address"
    )
    basic_auth: Secret | None = Field(
        None, description="`user:password`, by reference, for this feed's own address"
    )
    cookie: Secret | None = Field(None, description="by reference, for this feed's own address")
    proxy: str = Field("", description="http://host:port to ask this feed's own address through")
    verify_tls: bool = Field(True, description="check the certificate of this feed's own address")
    enabled: bool = Field(True, description="false pauses the feed and keeps what is known of it")


class FeedBlock(FeedSettings):
    """One feed."""

    url: Annotated[str, AfterValidator(_http_address)] = Field(
        description="address of the feed; all that is required"
    )
    id: str = Field(
        "", pattern=r"^([a-z0-9][a-z0-9-]{0,63})?$", description="12 hex of the address if empty"
    )
    group: str = Field("", description="name under `groups` whose settings hold for this feed too")


class FeedsFile(msgspec.Struct, frozen=True):
    """The good feeds of a file, by id, and the faults of the others.

    `digest` tells the text that they were read from; empty when there was none.
    """

    feeds: dict[str, Feed]
    faults: list[ConfigFault]
    digest: str = ""


def read_feeds(path: Path, environment: Mapping[str, str] = os.environ) -> FeedsFile:
    """Give the feeds of this file. Nothing is raised: a broken file is one fault, no feeds."""
    try:
        text = read_text(path)
    except ConfigError as error:
        return FeedsFile({}, error.faults)
    return feeds_of_text(text, path, environment)


def feeds_of_text(text: str, path: Path, environment: Mapping[str, str] = os.environ) -> FeedsFile:
    """Give the feeds of a text that stands for the file at `path`."""
    name = f"{path.parent.name}/{path.name}"
    try:
        file = feed_list_of(text, path, name) or parse_yaml(text, path, name)
        return replace(_feeds_of(file, environment), digest=digest_of(text))
    except ConfigError as error:
        return FeedsFile({}, error.faults)


def digest_of(text: str) -> str:
    """Give what tells a text from another."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _feeds_of(file: YamlFile, environment: Mapping[str, str]) -> FeedsFile:
    faults: list[ConfigFault] = []
    for key in file.data:
        if key not in ("groups", "feeds"):
            near = nearest(str(key), ("groups", "feeds"))
            faults.append(
                file.fault(
                    (key,),
                    None,
                    "unknown key",
                    f"did you mean `{near}`?" if near else "known here: groups, feeds",
                )
            )
    groups = _groups(file, faults)
    feeds: dict[str, Feed] = {}
    for number, block in enumerate(_listed(file, faults)):
        feed = _feed(file, number, block, groups, environment, faults)
        if feed is None:
            continue
        if feed.id in feeds:
            faults.append(
                file.fault(
                    ("feeds", number),
                    feed.url,
                    f"the feed {feed.id} is listed twice",
                    "remove one, or give it an `id` of its own",
                )
            )
            continue
        feeds[feed.id] = feed
    return FeedsFile(feeds, faults)


def _listed(file: YamlFile, faults: list[ConfigFault]) -> Iterator[Any]:
    if isinstance(file, FeedListFile):
        yield from file.blocks()
        return
    listed = file.data.get("feeds") or []
    if not isinstance(listed, list):
        faults.append(
            file.fault(("feeds",), None, "must be a list", "begin each feed with `- url: …`")
        )
        return
    for block in listed:
        yield plain(block)


def _groups(file: YamlFile, faults: list[ConfigFault]) -> dict[str, dict[str, Any]]:
    groups: dict[str, dict[str, Any]] = {}
    listed = file.data.get("groups") or {}
    if not isinstance(listed, dict):
        faults.append(
            file.fault(
                ("groups",),
                None,
                "must be a mapping of names to settings",
                "write `groups: {NAME: {language: en}}`",
            )
        )
        return groups
    for name, block in listed.items():
        settings = plain(block) or {}
        try:
            FeedSettings.model_validate(settings)
        except ValidationError as error:
            faults += faults_of(error, FeedSettings, file, ("groups", name))
            settings = {}
        groups[str(name)] = settings
    return groups


def _feed(
    file: YamlFile,
    number: int,
    block: Any,
    groups: Mapping[str, dict[str, Any]],
    environment: Mapping[str, str],
    faults: list[ConfigFault],
) -> Feed | None:
    place = ("feeds", number)
    if isinstance(block, str):
        block = {"url": block}
    if not isinstance(block, dict):
        faults.append(
            file.fault(place, block, "must be a mapping with a `url`", "write `- url: https://…`")
        )
        return None
    group = block.get("group") or ""
    if isinstance(group, str) and group and group not in groups:
        near = nearest(str(group), groups)
        faults.append(
            file.fault(
                (*place, "group"),
                group,
                "no such group",
                f"did you mean `{near}`?" if near else "add it under `groups:`",
            )
        )
    try:
        options = FeedBlock.model_validate({**groups.get(str(group), {}), **block})
    except ValidationError as error:
        faults += faults_of(error, FeedBlock, file, place)
        return None
    secrets = {}
    for name in ("basic_auth", "cookie"):
        secret = getattr(options, name)
        secrets[name] = (
            "" if secret is None else _secret(file, (*place, name), secret, environment, faults)
        )
    if options.min_interval_minutes > options.max_interval_minutes:
        faults.append(
            file.fault(
                (*place, "min_interval_minutes"),
                options.min_interval_minutes,
                "is above max_interval_minutes",
                "lower it, or raise the other",
            )
        )
        return None
    values = options.model_dump()
    values.update(secrets)
    values["headers"] = options.headers or _NO_HEADERS
    values["id"] = options.id or feed_id_of_url(options.url)
    values["publisher"] = options.publisher or registrable_domain(options.url)
    return Feed(**values)


def _secret(
    file: YamlFile,
    place: tuple[str | int, ...],
    secret: Secret,
    environment: Mapping[str, str],
    faults: list[ConfigFault],
) -> str:
    if secret.env and secret.env in environment:
        return environment[secret.env]
    if secret.file:
        try:
            return Path(secret.file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            faults.append(
                file.fault(
                    place, secret.file, f"the file cannot be read: {error}", "name a readable file"
                )
            )
            return ""
    if secret.env:
        faults.append(
            file.fault(
                place, secret.env, "this environment variable is not set", "set it, or use `file:`"
            )
        )
    else:
        faults.append(
            file.fault(
                place, None, "names neither `env` nor `file`", "write {env: NAME} or {file: path}"
            )
        )
    return ""
