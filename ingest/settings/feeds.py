"""Reads config/feeds.yml: its groups and feeds, and their faults."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec.structs import replace
from pydantic import AfterValidator, Field, ValidationError

from ingest.errors import ConfigError, ConfigFault
from ingest.identity import feed_id_of_url, registrable_domain
from ingest.masking import is_secret_name, remember, remember_address
from ingest.model import Feed
from ingest.settings.faults import Country, Language, TimeZone, faults_of, nearest, without_path
from ingest.settings.options import Options
from ingest.settings.yaml_file import YamlFile, parse_yaml, read_text

_NO_HEADERS: dict[str, str] = {}  # shared by all feeds to save memory


def _http_address(url: str) -> str:
    if not url.lower().startswith(("http://", "https://")) or not registrable_domain(url):
        raise ValueError("must be a full http:// or https:// address")
    return url


class Secret(Options):
    """A reference to a secret: an environment variable or a file, never the value itself."""

    env: str = Field("", description="environment variable that holds the secret")
    file: str = Field("", description="path of a file that holds the secret and nothing else")


class FeedSettings(Options):
    """Settings of a feed or a group; those of the feed override those of its group."""

    publisher: str = Field(
        "",
        description="organisation behind the feed; if empty, the title that the feed gives itself, else its domain",
    )
    publisher_country: Country = Field(
        "", description="two-letter ISO 3166 code", json_schema_extra={"pattern": "^([A-Z]{2})?$"}
    )
    language: Language = Field(
        "", description="two-letter ISO 639-1 code", json_schema_extra={"pattern": "^([a-z]{2})?$"}
    )
    publisher_home: str = Field(
        "", max_length=200, description="town of a local publisher, for its places: Lima, Ohio"
    )
    timezone: TimeZone = Field("", description="for dates without a zone; UTC if empty")
    date_order: Literal["", "dmy", "mdy", "ymd"] = Field(
        "", description="order of numeric dates such as 3/4/2026; ambiguous ones need it"
    )
    priority: float = Field(1.0, gt=0, description="weight when polls are shared out")
    min_interval_minutes: float = Field(
        5.0, gt=0, description="never polled more often; `polling.min_interval_seconds` applies too"
    )
    max_interval_minutes: float = Field(
        1440.0, gt=0, description="polled at least this often while polls succeed; at most a day"
    )
    respect_ttl: Literal["always", "plausible", "never"] = Field(
        "plausible",
        description="whether the feed's `ttl` delays polls; plausible: only if less than one new entry is expected in that time",
    )
    robots: Literal["obey", "report", "ignore"] = Field(
        "obey",
        description="for the feed's own address; report: poll despite robots.txt and count it; ignore: do not read robots.txt; pages always obey",
    )
    ignore_http_cache: bool = Field(
        False, description="ignore ETag, Last-Modified and Cache-Control"
    )
    ignore_entry_updates: bool = Field(
        False, description="take each entry once and ignore later changes in the feed"
    )
    same_site_only: bool = Field(False, description="drop entries that link to other sites")
    user_agent: str = Field("", description="User-Agent for the feed's own address")
    headers: dict[str, str] = Field(
        {}, description="additional request headers for the feed's own address"
    )
    basic_auth: Secret | None = Field(
        None, description="`user:password` for the feed's own address, as a reference"
    )
    cookie: Secret | None = Field(None, description="as a reference, for the feed's own address")
    proxy: str = Field("", description="proxy for the feed's own address: http://host:port")
    verify_tls: bool = Field(True, description="verify the certificate of the feed's own address")
    enabled: bool = Field(True, description="false pauses the feed and keeps its state")


class FeedBlock(FeedSettings):
    """One feed."""

    url: Annotated[str, AfterValidator(_http_address)] = Field(
        description="address of the feed; the only required setting"
    )
    id: str = Field(
        "", pattern=r"^([a-z0-9][a-z0-9-]{0,63})?$", description="if empty, made from the address"
    )
    group: str = Field("", description="block under `groups` whose settings apply too")


class FeedsFile(msgspec.Struct, frozen=True):
    """The valid feeds of a file, by id, and the faults of the others.

    `digest` identifies the text they were read from; empty when there was none.
    """

    feeds: dict[str, Feed]
    faults: list[ConfigFault]
    digest: str = ""


def read_feeds(path: Path, environment: Mapping[str, str] = os.environ) -> FeedsFile:
    """Return the feeds of this file; for a broken file no feeds and its faults. Never raises."""
    try:
        return feeds_of_text(read_text(path), path, environment)
    except ConfigError as error:
        return FeedsFile({}, error.faults)


def feeds_of_text(text: str, path: Path, environment: Mapping[str, str] = os.environ) -> FeedsFile:
    """Return the feeds of a text, as if it were the file at `path`."""
    try:
        found = _feeds_of(parse_yaml(text, path), environment)
    except ConfigError as error:
        return FeedsFile({}, error.faults)
    return replace(found, digest=digest_of(text))


def digest_of(text: str) -> str:
    """Return the digest of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _feeds_of(file: YamlFile, environment: Mapping[str, str]) -> FeedsFile:
    for key in file.data:
        if key not in ("groups", "feeds"):
            near = nearest(key, ("groups", "feeds"))
            remedy = f"did you mean `{near}`?" if near else "known here: groups, feeds"
            file.refuse((key,), None, "unknown key", remedy)
    groups = _groups(file)
    feeds: dict[str, Feed] = {}
    blocks = file.data.get("feeds") or []
    if not isinstance(blocks, list):
        file.refuse(("feeds",), None, "must be a list", "begin each feed with `- url: …`")
        blocks = []
    for number, block in enumerate(blocks):
        feed = _feed(file, number, block, groups, environment)
        if feed is not None and feeds.setdefault(feed.id, feed) is not feed:
            reason = f"the feed {feed.id} is listed twice"
            remedy = "remove one, or give it an `id` of its own"
            file.refuse(("feeds", number), feed.url, reason, remedy)
        blocks[number] = None  # so that a long list is not in memory twice
    return FeedsFile(feeds, file.faults)


def _groups(file: YamlFile) -> dict[str, dict[str, Any]]:
    listed = file.data.get("groups") or {}
    if not isinstance(listed, dict):
        remedy = "write `groups: {NAME: {language: en}}`"
        file.refuse(("groups",), None, "must be a mapping of names to settings", remedy)
        return {}
    groups: dict[str, dict[str, Any]] = {}
    for name, block in listed.items():
        groups[name] = block or {}
        try:
            FeedSettings.model_validate(groups[name])
        except ValidationError as error:
            file.faults += faults_of(error, FeedSettings, file, ("groups", name))
            groups[name] = {}
    return groups


def _feed(
    file: YamlFile,
    number: int,
    block: Any,
    groups: Mapping[str, dict[str, Any]],
    environment: Mapping[str, str],
) -> Feed | None:
    place = ("feeds", number)
    if isinstance(block, str):
        block = {"url": block}
    if not isinstance(block, dict):
        file.refuse(place, block, "must be a mapping with a `url`", "write `- url: https://…`")
        return None
    group = block.get("group") or ""
    if isinstance(group, str) and group and group not in groups:
        near = nearest(group, groups)
        remedy = f"did you mean `{near}`?" if near else "add it under `groups:`"
        file.refuse((*place, "group"), group, "no such group", remedy)
    try:
        options = FeedBlock.model_validate({**groups.get(str(group), {}), **block})
    except ValidationError as error:
        file.faults += faults_of(error, FeedBlock, file, place)
        return None
    secrets = {
        name: _secret(file, (*place, name), getattr(options, name), environment)
        for name in ("basic_auth", "cookie")
    }
    shortest = options.min_interval_minutes
    if shortest > options.max_interval_minutes:
        at = (*place, "min_interval_minutes")
        file.refuse(at, shortest, "is above max_interval_minutes", "lower it, or raise the other")
        return None
    remember_address(options.url)
    remember_address(options.proxy)
    headers = [value for name, value in options.headers.items() if is_secret_name(name)]
    for value in (*secrets.values(), secrets["basic_auth"].partition(":")[2], *headers):
        remember(value)
    values = options.model_dump() | secrets
    values["headers"] = options.headers or _NO_HEADERS
    values["id"] = options.id or feed_id_of_url(options.url)
    values["names_itself"] = not options.publisher
    values["publisher"] = options.publisher or registrable_domain(options.url)
    return Feed(**values)


def _secret(
    file: YamlFile,
    place: tuple[str | int, ...],
    secret: Secret | None,
    environment: Mapping[str, str],
) -> str:
    if secret is None:
        return ""
    if secret.env and secret.env in environment:
        return environment[secret.env]
    if secret.file:
        try:
            return Path(secret.file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = f"the file cannot be read: {without_path(error)}"
            file.refuse(place, secret.file, reason, "give a readable file")
    elif secret.env:
        reason = "this environment variable is not set"
        file.refuse(place, secret.env, reason, "set it, or use `file:`")
    else:
        reason = "names neither `env` nor `file`"
        file.refuse(place, None, reason, "write {env: NAME} or {file: path}")
    return ""
