"""How single sites are extracted: the rules that a block of config/sites.yml may hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

import msgspec
from pydantic import AfterValidator, Field, field_validator

from ingest.identity import host_of
from ingest.settings.faults import nearest
from ingest.settings.options import Options

#: Longer expressions are no rule that a person can check.
MAX_XPATH_CHARACTERS = 1000
_SEGMENT = re.compile(r"[^/\s]+")


def check_xpath(path: str) -> str:
    """Give an XPath back; refuse one that cannot be carried out or gives no elements.

    Functions of extensions (regular expressions) are not known: they have no bound.
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
        raise ValueError(f"is no XPath: {error}") from error
    if not isinstance(found, list):
        raise ValueError("must give elements, as //div[@class='ad'] does")
    return path


def check_segment(segment: str) -> str:
    """Give a segment of a path without slashes, in lower case. Errors: ValueError."""
    bare = segment.strip("/").lower()
    if not _SEGMENT.fullmatch(bare):
        raise ValueError("is no single segment of a path, such as `opinion`")
    return bare


XPath = Annotated[str, AfterValidator(check_xpath)]
Segment = Annotated[str, AfterValidator(check_segment)]


class SiteExtraction(Options):
    """The keys of a block that tell how pages of the site are read."""

    prune_xpath: tuple[XPath, ...] = Field(
        (), description="elements taken out of the page before anything is read off it"
    )
    body_xpath: XPath = Field(
        "", description="the elements that hold the text; a candidate beside the general text"
    )
    mode: Literal["fast", "thorough", "precision"] | None = Field(
        None, description="as the option of extract_document; empty takes that"
    )
    rescue_ratio: float | None = Field(
        None, ge=0, description="as the option of extract_document; empty takes that"
    )
    author_search: bool | None = Field(
        None, description="as the option of extract_document; empty takes that"
    )
    date_search: bool | None = Field(
        None, description="as the option of extract_document; empty takes that"
    )
    prefer_feed_content: bool = Field(
        False, description="take the text of the feed, if it is more than a few lines"
    )
    keeps_repeated_lines: bool = Field(
        False, description="keep lines that come again on page after page: tables, recipes"
    )
    timezone: str = Field(
        "",
        description="IANA name, for dates without a zone; empty takes that of the feed, else UTC",
    )
    opinion_paths: tuple[Segment, ...] = Field(
        (), description="segments of addresses that mark opinion, instead of the common list"
    )
    live_paths: tuple[Segment, ...] = Field(
        (), description="segments of addresses that mark live blogs, instead of the common list"
    )

    @field_validator("prune_xpath", "opinion_paths", "live_paths", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("timezone")
    @classmethod
    def _zone_is_known(cls, value: str) -> str:
        if value and value not in available_timezones():
            near = nearest(value, available_timezones())
            raise ValueError(f"no such time zone{f', did you mean {near}?' if near else ''}")
        return value


class SiteRules(msgspec.Struct, frozen=True, kw_only=True):
    """The rules that count for one page; `site` names the keys of the file they came from."""

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
    """Give the rules for the page at this address.

    A block counts for its host and all below it. Of several the longest counts, key by key: a
    block of a host need not repeat what that of its domain says. Errors: none.
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
    """Give the keys that count for an address, the longest first."""
    labels = host_of(url).split(".") if blocks else []
    names = (".".join(labels[start:]) for start in range(len(labels)))
    return [name for name in names if name in blocks]
