"""The extraction rules of single sites, in the blocks of config/sites.yml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from pydantic import AfterValidator, Field, field_validator

from ingest.identity import host_of
from ingest.settings.faults import TimeZone
from ingest.settings.options import Options

#: A longer expression is hardly readable.
MAX_XPATH_CHARACTERS = 1000
_SEGMENT = re.compile(r"[^/\s]+")


def check_xpath(path: str) -> str:
    """Return an XPath if it can be evaluated and yields elements.

    Extension functions (regular expressions) are rejected: their run time is unbounded.
    Errors: ValueError.
    """
    if not path:
        return path
    from lxml import etree  # only files with such rules need it

    if len(path) > MAX_XPATH_CHARACTERS:
        raise ValueError(f"has {len(path)} characters, at most {MAX_XPATH_CHARACTERS} are allowed")
    page = etree.fromstring("<html><body><p class='a'>b</p></body></html>")
    try:
        found = etree.XPath(path, regexp=False, smart_strings=False)(page)
    except etree.XPathError as error:
        raise ValueError(f"is not valid XPath: {error}") from error
    if not isinstance(found, list):
        raise ValueError("must return elements, for example //div[@class='ad']")
    return path


def check_segment(segment: str) -> str:
    """Return a path segment in lower case, without slashes. Errors: ValueError."""
    bare = segment.strip("/").lower()
    if not _SEGMENT.fullmatch(bare):
        raise ValueError("is not a single segment of a path, such as `opinion`")
    return bare


XPath = Annotated[str, AfterValidator(check_xpath)]
Segment = Annotated[str, AfterValidator(check_segment)]


class SiteExtraction(Options):
    """The extraction rules in a block of config/sites.yml."""

    prune_xpath: tuple[XPath, ...] = Field(
        (), description="elements to remove before the page is read"
    )
    body_xpath: XPath = Field(
        "", description="elements with the article text; a candidate beside the general extraction"
    )
    mode: Literal["fast", "thorough", "precision"] | None = Field(
        None, description="overrides the option of extract_document for this site"
    )
    rescue_ratio: float | None = Field(
        None, ge=0, description="overrides the option of extract_document for this site"
    )
    author_search: bool | None = Field(
        None, description="overrides the option of extract_document for this site"
    )
    date_search: bool | None = Field(
        None, description="overrides the option of extract_document for this site"
    )
    prefer_feed_content: bool = Field(
        False, description="use the text of the feed if it is more than a few lines"
    )
    keeps_repeated_lines: bool = Field(
        False, description="keep lines that are repeated on many pages: tables, recipes"
    )
    timezone: TimeZone = Field(
        "", description="IANA time zone for dates without one; if empty, that of the feed, else UTC"
    )
    opinion_paths: tuple[Segment, ...] = Field(
        (), description="path segments that mark opinion, instead of the default list"
    )
    live_paths: tuple[Segment, ...] = Field(
        (), description="path segments that mark live blogs, instead of the default list"
    )

    @field_validator("prune_xpath", "opinion_paths", "live_paths", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value


class SiteRules(msgspec.Struct, frozen=True, kw_only=True):
    """The rules that apply to one page; `site` names the blocks they come from."""

    site: str = ""
    prune_xpath: tuple[str, ...] = ()
    body_xpath: str = ""
    mode: str | None = None
    rescue_ratio: float | None = None
    author_search: bool | None = None
    date_search: bool | None = None
    prefer_feed_content: bool = False
    keeps_repeated_lines: bool = False
    timezone: str = ""
    opinion_paths: tuple[str, ...] = ()
    live_paths: tuple[str, ...] = ()


NO_RULES = SiteRules()
_KEYS = tuple(SiteExtraction.model_fields)


def rules_of(blocks: Mapping[str, SiteExtraction], url: str) -> SiteRules:
    """Return the rules for the page at this address.

    A block applies to its host and all subdomains. The most specific block wins for each key, so a
    block of a host need not repeat those of its domain.
    """
    found: dict[str, Any] = {}
    names = []
    for name in reversed(matching(blocks, url)):
        given = {key: getattr(blocks[name], key) for key in blocks[name].model_fields_set}
        given = {key: value for key, value in given.items() if key in _KEYS}
        if given:
            names.append(name)
            found |= given
    return SiteRules(site=" ".join(reversed(names)), **found) if found else NO_RULES


def matching(blocks: Mapping[str, object], url: str) -> list[str]:
    """Return the keys that apply to an address, the most specific first."""
    labels = host_of(url).split(".") if blocks else []
    names = (".".join(labels[start:]) for start in range(len(labels)))
    return [name for name in names if name in blocks]
