"""The shapes of the data, one frozen type a stage.

    Feed ─► Entry ─► Page ─► Document ─► EnrichedDocument ─► IndexedDocument

Times are aware and UTC. Names are those of the search fields, so that what lies in the log,
in the index and in `news-ingest show --json` reads the same.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from ingest.evidence import Candidate as Candidate
from ingest.evidence import Extraction as Extraction
from ingest.evidence import Image as Image
from ingest.evidence import PageInfo as PageInfo
from ingest.evidence import Provenance as Provenance
from ingest.evidence import Video as Video

ENTITY_TYPES = ("person", "organisation", "place")


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """An address that lists entries, with how to ask it: one block of config/feeds.yml."""

    id: str
    url: str
    publisher: str
    publisher_country: str = ""
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

    `id` is 32 hex of feed id + entry key (identity.entry_id). `first_seen_at` is set once and
    never changes. `content` is the feed's own text of the article (HTML or plain), `summary`
    its teaser; both untrusted. `published_raw` is the date as the feed wrote it.
    `url_redirected` is where the last redirect to another domain led, `hops` counts those.
    """

    id: str
    feed_id: str
    feed_url: str
    entry_key: str
    url_published: str
    first_seen_at: datetime
    publisher: str = ""
    publisher_country: str = ""
    language: str = ""
    timezone: str = ""
    title: str = ""
    summary: str = ""
    content: str = ""
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    image: str = ""
    published_raw: str = ""
    published_at: datetime | None = None
    is_zone_assumed: bool = False
    updated_at: datetime | None = None
    change: str = "new"
    previous_url: str = ""
    hops: int = 0
    url_redirected: str = ""

    @property
    def url_to_ask(self) -> str:
        """Return the URL to fetch: where a redirect to another domain led, else the published."""
        return self.url_redirected or self.url_published


class PagePart(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A further page of an article that its site spreads over several; `body` as in Page."""

    url: str
    body: bytes
    content_type: str = ""
    status: int = 200


class Page(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An entry with the bytes that were fetched for it, and the document id fixed from them.

    `body` is zstd-compressed (`body_encoding`), at most `max_page_bytes` when unpacked; empty
    when no page could be had, and then `missing_reason` says why (http_403, robots_disallowed,
    body_too_large …). `kind` is html, text or feed (no page, the feed's content only).
    `version` is fetched_at in ms × 1000 + replay generation. `path` names a file from disk.
    `parts` are the article's further pages in their order; `parts_missing_reason` says why they
    are not all there. `headers` are those of the answer that an archive keeps.
    """

    document_id: str
    entry: Entry
    url_canonical: str
    url_match_key: str
    url_final: str
    domain: str
    fetched_at: datetime
    version: int
    kind: str = "html"
    body: bytes = b""
    body_encoding: str = "zstd"
    content_type: str = ""
    status: int = 0
    missing_reason: str = ""
    path: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    parts: tuple[PagePart, ...] = ()
    parts_missing_reason: str = ""


class Document(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Clean text with metadata: what is enriched and searched.

    `text` has a blank line between paragraphs. `content_hash` is of the text before lines that
    repeat over a site were dropped: it alone makes `revision` grow. `content_source` is one of
    site, page, jsonld, feed, file, none. `authors` are people; `agencies` are news agencies and
    other organisations named in their place. Of both dates `…_precision` is day, minute or second,
    `…_zone` the offset from UTC as it was published ("+02:00"), or the one that was assumed. Links
    of `images`, `videos` and `licence` are never fetched.
    """

    id: str
    version: int
    entry_id: str
    url_published: str
    url_canonical: str
    url_match_key: str
    domain: str
    publisher: str
    first_seen_at: datetime
    fetched_at: datetime
    extracted_at: datetime
    title: str
    text: str
    content_hash: str
    content_source: str
    publisher_country: str = ""
    feed_ids: tuple[str, ...] = ()
    path: str = ""
    published_at: datetime | None = None
    modified_at: datetime | None = None
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
    word_count: int = 0
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
    """One place in the text that names. Offsets count code points of `text`, end excluded.

    `rule` is the id of the rule that typed it, `strength` one of certain, strong, medium, weak.
    """

    type: str
    start: int
    end: int
    text: str
    rule: str
    strength: str
    entity_id: str = ""
    is_ambiguous: bool = False
    evidence: str = ""


class EntityDetail(msgspec.Struct, frozen=True, kw_only=True):
    """One person, organisation or place meant in a document. `salience` is 0 to 1.

    `forms` are all surface forms and aliases by which it can be found.
    """

    id: str
    name: str
    type: str
    count: int
    salience: float = 0.0
    is_in_title: bool = False
    forms: tuple[str, ...] = ()
    wikidata_id: str = ""


class Names(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Flat names by entity type, in order of salience: for facets and filters."""

    person: tuple[str, ...] = ()
    organisation: tuple[str, ...] = ()
    place: tuple[str, ...] = ()


class GeoPoint(msgspec.Struct, frozen=True):
    """A point in degrees, WGS 84."""

    lat: float
    lon: float


class GeoFocus(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The place a document is mostly about; `country` is an ISO 3166 code of two letters."""

    name: str = ""
    country: str = ""
    point: GeoPoint | None = None


class Geo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a document takes place. `points` leave out whole countries (`country_points`)."""

    points: tuple[GeoPoint, ...] = ()
    country_points: tuple[GeoPoint, ...] = ()
    focus: GeoFocus | None = None
    countries: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    geoname_ids: tuple[str, ...] = ()
    precision: str = ""
    dateline: str = ""


class WatchlistHit(msgspec.Struct, frozen=True, kw_only=True):
    """One name of a list in config/watches.yml, found in the text."""

    list: str
    entity_id: str
    name: str
    start: int
    end: int


class Watchlist(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The lists whose names a document holds."""

    names: tuple[str, ...] = ()
    hits: tuple[WatchlistHit, ...] = ()


class Enrichment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which engine filled what: `engines` maps a processor's name to `engine@version`."""

    engines: dict[str, str] = {}
    failed: tuple[str, ...] = ()


class EnrichedDocument(Document, frozen=True, kw_only=True, omit_defaults=True):
    """A document with what the enrichers found.

    `extra` holds the fields of processors that are not part of this project: stored and shown
    by their own names, never searched.
    """

    enriched_at: datetime | None = None
    language: str = ""
    language_score: float = 0.0
    language_source: str = ""
    sentence_count: int = 0
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
    """An enriched document as it lies in the index.

    `revision` counts texts, from 1. `removed_at` is set on a tombstone, which no search shows.
    """

    revision: int = 1
    indexed_at: datetime | None = None
    removed_at: datetime | None = None
    removed_reason: str = ""


class DropRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What `news.drops` keeps of a record that ended on purpose or as a known loss."""

    id: str
    entry_id: str
    stage: str
    reason: str
    is_intended: bool
    url: str
    at: datetime
