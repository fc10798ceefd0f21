"""What a document records about its extraction: candidates and reasons, images and videos."""

from __future__ import annotations

from typing import Annotated

import msgspec

#: A number of things, as every engine can store it.
Count = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]


class Candidate(msgspec.Struct, frozen=True):
    """A possible value of a field, and where it came from.

    Sources: feed, jsonld, meta, time, h1, title_tag, page, rescue, site, file, heuristic,
    first_seen_at, none.
    """

    value: str
    source: str
    raw: str = ""


class Provenance(msgspec.Struct, frozen=True):
    """Where the chosen value of a field came from, the rejected candidates (at most 5), and why.

    `why` is the rule that decided, in a few words; "" if the source explains it.
    """

    source: str
    value: str = ""
    losers: tuple[Candidate, ...] = ()
    why: str = ""


class Image(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The URL of an image of an article; its bytes are never stored. Sizes in pixels, 0 if unknown.

    `source` is meta, jsonld, page or feed.
    """

    url: str
    caption: str = ""
    credit: str = ""
    width: Count = 0
    height: Count = 0
    source: str = ""


class Video(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A video of an article: the URL of its file or of its player.

    `source` is meta, jsonld or page.
    """

    url: str
    title: str = ""
    source: str = ""


class Extraction(msgspec.Struct, frozen=True, kw_only=True):
    """How the text was extracted.

    `outcome`: ok, no_text, too_deep, wrong_type, too_many_tags, too_many_attributes, feed_only.
    `site_rules` is the key of config/sites.yml whose rules were applied, "" for none. `body_rule`
    is the result of its `body_xpath`: hit, miss (it found nothing), outweighed (the general text
    is far longer), broken (it could not be evaluated), "" without one. `given` lists what the page
    itself provides: page (it was read), title, authors, date, jsonld. `failed_steps` are those
    that raised: their fields are empty, and their provenance holds the error.
    """

    engine: str = ""
    mode: str = "fast"
    outcome: str = "ok"
    characters: Count = 0
    ratio: float = 0.0
    is_rescued: bool = False
    is_truncated: bool = False
    is_short: bool = False
    dropped_lines: Count = 0
    milliseconds: float = 0.0
    site_rules: str = ""
    body_rule: str = ""
    given: tuple[str, ...] = ()
    failed_steps: tuple[str, ...] = ()


class PageInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the page before its text is extracted.

    `part_count` is the number of pages of the article, 0 without a page.
    """

    encoding: str = ""
    encoding_source: str = ""
    status: Count = 0
    missing_reason: str = ""
    part_count: Count = 0
    parts_missing_reason: str = ""
