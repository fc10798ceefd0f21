"""What is kept of how a document was made: candidates and reasons, pictures and films, the extraction."""

from __future__ import annotations

import msgspec


class Candidate(msgspec.Struct, frozen=True):
    """One value that a field could have had, and where it came from.

    Sources: feed, jsonld, meta, time, h1, title_tag, page, rescue, site, file, heuristic,
    first_seen_at, none.
    """

    value: str
    source: str
    raw: str = ""


class Provenance(msgspec.Struct, frozen=True):
    """Where the chosen value of one field came from, what lost to it (at most 5), and why.

    `why` is the rule that decided, in some words; "" where the source says all.
    """

    source: str
    value: str = ""
    losers: tuple[Candidate, ...] = ()
    why: str = ""


class Image(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A picture of an article, by its address; never its bytes. Pixels, 0 for unknown.

    `source` is meta, jsonld, page or feed.
    """

    url: str
    caption: str = ""
    credit: str = ""
    width: int = 0
    height: int = 0
    source: str = ""


class Video(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A film of an article, by the address of its file or of the player that shows it.

    `source` is meta, jsonld or page.
    """

    url: str
    title: str = ""
    source: str = ""


class Extraction(msgspec.Struct, frozen=True, kw_only=True):
    """How the text was won.

    `outcome`: ok, no_text, too_deep, wrong_type, too_many_tags, too_many_attributes, feed_only.
    `site_rules` is the key of config/sites.yml whose rules counted, "" for none. `body_rule` tells
    what became of its `body_xpath`: hit, miss (it found nothing), outweighed (the general text is
    far longer), broken (it could not be carried out), "" without one. `given` is what the page
    itself has marks of: page (it was read), title, authors, date, jsonld. `failed_steps` are those
    that raised: their fields are empty, and their provenance says what was raised.
    """

    engine: str = ""
    mode: str = "fast"
    outcome: str = "ok"
    characters: int = 0
    ratio: float = 0.0
    is_rescued: bool = False
    is_truncated: bool = False
    is_short: bool = False
    dropped_lines: int = 0
    milliseconds: float = 0.0
    site_rules: str = ""
    body_rule: str = ""
    given: tuple[str, ...] = ()
    failed_steps: tuple[str, ...] = ()


class PageInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What was read off the page's bytes before its text.

    `part_count` is how many pages the article was read from, 0 when there was none.
    """

    encoding: str = ""
    encoding_source: str = ""
    status: int = 0
    missing_reason: str = ""
    part_count: int = 0
    parts_missing_reason: str = ""
