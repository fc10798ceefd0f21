"""The data model: one frozen type for each stage.

    Feed ─► Entry ─► Page ─► Document ─► EnrichedDocument ─► IndexedDocument

Times are timezone-aware and UTC. Field names are the same in the log, in the index and in
`news-ingest show --json`.

The types Id, Version, Moment and Count are checked where a record is decoded (ingest/wire.py), so
that what follows need not check them again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec

from ingest.evidence import Candidate as Candidate
from ingest.evidence import Count as Count
from ingest.evidence import Extraction as Extraction
from ingest.evidence import Image as Image
from ingest.evidence import PageInfo as PageInfo
from ingest.evidence import Provenance as Provenance
from ingest.evidence import Video as Video

#: What every engine takes as an id: printable ASCII without blanks, also without a line break at
#: the end, which `$` would allow.
Id = Annotated[str, msgspec.Meta(pattern=r"^[!-~]+(?![\s\S])", max_length=512)]
#: No version is later than the year 9999 (identity.version_of).
Version = Annotated[int, msgspec.Meta(ge=0, lt=253_402_300_800_000_000)]
#: A time with its time zone.
Moment = Annotated[datetime, msgspec.Meta(tz=True)]

ENTITY_TYPES = ("person", "organisation", "place")


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """The URL of a list of entries and how to request it: one block of config/feeds.yml.

    `names_itself` says that the block names no publisher: the feed's title goes before `publisher`,
    which is the domain then.
    """

    id: str
    url: str
    publisher: str
    names_itself: bool = False
    publisher_country: str = ""
    publisher_home: str = ""
    group: str = ""
    language: str = ""
    timezone: str = ""
    date_order: str = ""
    priority: float = 1.0
    min_interval_minutes: float = 5
    max_interval_minutes: float = 1440
    respect_ttl: str = "plausible"
    robots: str = "obey"
    ignore_http_cache: bool = False
    ignore_entry_updates: bool = False
    same_site_only: bool = False
    user_agent: str = ""
    headers: dict[str, str] = {}
    basic_auth: str = ""
    cookie: str = ""
    proxy: str = ""
    verify_tls: bool = True
    enabled: bool = True


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a feed says about one article, as found by one poll.

    `id` is 32 hex digits of feed id + entry key (identity.entry_id). `first_seen_at` never
    changes. `content` is the feed's text of the article (HTML or plain), `summary` its teaser;
    both are untrusted. `published_raw` is the date as the feed wrote it. `url_redirected` is the
    target of the last redirect to another domain, `hops` is the number of such redirects.
    """

    id: Id
    feed_id: str
    feed_url: str
    entry_key: str
    url_published: str
    first_seen_at: Moment
    publisher: str = ""
    publisher_country: str = ""
    publisher_home: str = ""
    language: str = ""
    timezone: str = ""
    title: str = ""
    summary: str = ""
    content: str = ""
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    image: str = ""
    published_raw: str = ""
    published_at: Moment | None = None
    is_zone_assumed: bool = False
    updated_at: Moment | None = None
    change: str = "new"
    previous_url: str = ""
    hops: Count = 0
    url_redirected: str = ""

    @property
    def url_to_ask(self) -> str:
        """Return the URL to fetch: where a redirect to another domain led, else the published."""
        return self.url_redirected or self.url_published


class PagePart(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A further page of an article that its site splits into several; `body` as in Page."""

    url: str
    body: bytes
    content_type: str = ""
    status: Count = 200


class Page(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An entry with the bytes that were fetched for it, and the document id they determine.

    `body` is compressed with zstd (`body_encoding`), at most `max_page_bytes` uncompressed; it is
    empty if no page could be fetched, and `missing_reason` says why (http_403, robots_disallowed,
    body_too_large …). `kind` is html, text or feed (no page, only the feed's content).
    `version` is fetched_at in ms × 1000 + replay generation. `path` is set for files from disk.
    `parts` are the article's further pages in order; `parts_missing_reason` says why some are
    missing. `headers` are the response headers that the archive keeps.
    """

    document_id: Id
    entry: Entry
    url_canonical: str
    url_match_key: str
    url_final: str
    domain: str
    fetched_at: Moment
    version: Version
    kind: str = "html"
    body: bytes = b""
    body_encoding: str = "zstd"
    content_type: str = ""
    status: Count = 0
    missing_reason: str = ""
    path: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    parts: tuple[PagePart, ...] = ()
    parts_missing_reason: str = ""


class Document(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Clean text with metadata: what is enriched and searched.

    `text` has a blank line between paragraphs. `content_hash` is computed before lines repeated
    across a site are dropped: only its change increases `revision`. `content_source` is one of
    site, page, jsonld, feed, file, none. `authors` are people; `agencies` are news agencies and
    other organisations named as authors. For both dates `…_precision` is day, minute or second,
    and `…_zone` the offset from UTC as published ("+02:00") or assumed. The URLs in `images`,
    `videos` and `licence` are never fetched.
    """

    id: Id
    version: Version
    entry_id: Id
    url_published: str
    url_canonical: str
    url_match_key: str
    domain: str
    publisher: str
    first_seen_at: Moment
    fetched_at: Moment
    extracted_at: Moment
    title: str
    text: str
    content_hash: str
    content_source: str
    publisher_country: str = ""
    publisher_home: str = ""
    feed_ids: tuple[str, ...] = ()
    path: str = ""
    published_at: Moment | None = None
    modified_at: Moment | None = None
    date_source: str = ""
    date_precision: str = ""
    is_zone_assumed: bool = False
    date_zone: str = ""
    modified_source: str = ""
    modified_precision: str = ""
    modified_zone: str = ""
    is_modified_zone_assumed: bool = False
    subtitle: str = ""
    authors: tuple[str, ...] = ()
    agencies: tuple[str, ...] = ()
    summary: str = ""
    summary_source: str = ""
    section: str = ""
    tags: tuple[str, ...] = ()
    url_amp: str = ""
    image: str = ""
    images: tuple[Image, ...] = ()
    videos: tuple[Video, ...] = ()
    links: tuple[str, ...] = ()
    licence: str = ""
    language_hint: str = ""
    word_count: Count = 0
    change: str = "new"
    is_metered: bool = False
    is_cut: bool = False
    has_paywall_phrase: bool = False
    is_opinion: bool = False
    is_live_blog: bool = False
    is_consent_page: bool = False
    is_press_release: bool = False
    is_paid_content: bool = False
    extraction: Extraction = Extraction()
    page: PageInfo = PageInfo()
    provenance: dict[str, Provenance] = {}


class Mention(msgspec.Struct, frozen=True, kw_only=True):
    """One mention of a name. Offsets count code points of the `field`, end excluded.

    `field` is text or title. `rule` is the id of the rule that chose the type, `strength` is
    certain, strong, medium or weak. A mention that names nobody in particular, such as a lone given
    name, has no `entity_id`.
    """

    type: str
    start: Count
    end: Count
    text: str
    rule: str
    strength: str
    entity_id: str = ""
    is_ambiguous: bool = False
    evidence: str = ""
    field: str = "text"


class EntityDetail(msgspec.Struct, frozen=True, kw_only=True):
    """A person, organisation or place that a document mentions. `salience` is 0 to 1.

    `forms` are all surface forms and aliases that find it.
    """

    id: str
    name: str
    type: str
    count: Count
    salience: float = 0.0
    is_in_title: bool = False
    forms: tuple[str, ...] = ()
    wikidata_id: str = ""


class Names(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Names by entity type, in order of salience: for facets and filters."""

    person: tuple[str, ...] = ()
    organisation: tuple[str, ...] = ()
    place: tuple[str, ...] = ()


class GeoPoint(msgspec.Struct, frozen=True):
    """A point in degrees, WGS 84."""

    lat: float
    lon: float


class GeoFocus(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The place a document is mainly about; `country` is a two-letter ISO 3166 code.

    `reason` says what counted for it, `runner_up` what came next.
    """

    name: str = ""
    country: str = ""
    point: GeoPoint | None = None
    reason: str = ""
    runner_up: str = ""


class Geo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a document takes place. `points` excludes whole countries (see `country_points`).

    `nationalities` are countries that words such as "French" name, if resolve_places is told to.
    """

    points: tuple[GeoPoint, ...] = ()
    country_points: tuple[GeoPoint, ...] = ()
    focus: GeoFocus | None = None
    countries: tuple[str, ...] = ()
    nationalities: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    geoname_ids: tuple[str, ...] = ()
    precision: str = ""
    dateline: str = ""


class WatchlistHit(msgspec.Struct, frozen=True, kw_only=True):
    """A name from a list in config/watches.yml that was found in the text."""

    list: str
    entity_id: str
    name: str
    start: Count
    end: Count


class Watchlist(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The watchlists whose names a document mentions."""

    names: tuple[str, ...] = ()
    hits: tuple[WatchlistHit, ...] = ()


class Enrichment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which engines ran: `engines` maps the name of a processor to `engine@version`."""

    engines: dict[str, str] = {}
    failed: tuple[str, ...] = ()


class EnrichedDocument(Document, frozen=True, kw_only=True, omit_defaults=True):
    """A document with the results of the enrichers.

    `extra` holds the fields of processors from outside this project: they are stored and shown
    under their own names, and not searched.
    """

    enriched_at: Moment | None = None
    language: str = ""
    language_score: float = 0.0
    language_source: str = ""
    sentence_count: Count = 0
    reading_minutes: float = 0.0
    entities: Names = Names()
    entity_forms: Names = Names()
    entity_ids: tuple[str, ...] = ()
    entity_details: tuple[EntityDetail, ...] = ()
    mentions: tuple[Mention, ...] = ()
    geo: Geo = Geo()
    watchlist: Watchlist = Watchlist()
    enrichment: Enrichment = Enrichment()
    extra: dict[str, Any] = {}


class IndexedDocument(EnrichedDocument, frozen=True, kw_only=True, omit_defaults=True):
    """An enriched document as it is stored in the index.

    `revision` counts the texts, from 1. `removed_at` is set on a tombstone, which searches ignore.
    `created_from` is the record of the log that the first version came from.
    """

    revision: Count = 1
    created_from: str = ""
    indexed_at: Moment | None = None
    removed_at: Moment | None = None
    removed_reason: str = ""


class DropRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The record in `news.drops` of a record that was dropped, intended or as a known loss."""

    id: str
    entry_id: str
    stage: str
    reason: str
    is_intended: bool
    url: str
    at: Moment
