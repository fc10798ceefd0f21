"""The tables of the embedded index."""

from __future__ import annotations

import Stemmer

from ingest.terms import TERMS_VERSION

#: Written into the header of the file, so files of other programs are recognised.
APPLICATION_ID = 0x4E694978
VERSION = 5

#: What the searchable words were made with; a change requires a rebuilt file.
MADE_WITH = {"terms_version": str(TERMS_VERSION), "stemmer_version": str(Stemmer.version())}

READING = (
    "PRAGMA temp_store=MEMORY",
    "PRAGMA cache_size=-65536",
    "PRAGMA mmap_size=1073741824",
)

#: FULL: a document whose offset is committed in the log survives a power cut.
WRITING = (
    "PRAGMA synchronous=FULL",
    "PRAGMA secure_delete=FAST",
    "PRAGMA wal_autocheckpoint=2000",
    "PRAGMA journal_size_limit=67108864",
)

#: This only works on an empty file.
CREATION = ("PRAGMA journal_mode=WAL",)

#: Revisions. `publisher`, `language` and `domain` are folded, as they are compared.
REVISIONS = (
    """
    CREATE TABLE revision (
        key INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        document_id TEXT NOT NULL,
        version INTEGER NOT NULL,
        changed_at INTEGER NOT NULL,
        first_seen_at INTEGER NOT NULL,
        publisher TEXT NOT NULL,
        language TEXT NOT NULL,
        domain TEXT NOT NULL,
        json BLOB NOT NULL
    )
    """,
    "CREATE INDEX revision_document ON revision (document_id)",
    "CREATE INDEX revision_changed ON revision (changed_at, id)",
    "CREATE INDEX revision_first_seen ON revision (first_seen_at)",
    """
    CREATE VIRTUAL TABLE revision_fts USING fts5 (
        added, removed, title, added_stems, removed_stems, title_stems,
        content='',
        tokenize="unicode61 remove_diacritics 0 tokenchars '_' categories 'L* M* N* Cf Co'"
    )
    """,
)

#: The health of each feed.
FEEDS = ("CREATE TABLE feed (id TEXT PRIMARY KEY, version INTEGER NOT NULL, json BLOB NOT NULL)",)

#: What each document shows about the layout of its site, and the alarms.
LAYOUTS = (
    """
    CREATE TABLE page_fact (
        document INTEGER PRIMARY KEY,
        site TEXT NOT NULL,
        fetched_at INTEGER NOT NULL,
        characters INTEGER NOT NULL,
        dropped_lines INTEGER NOT NULL,
        facts INTEGER NOT NULL
    )
    """,
    "CREATE INDEX page_fact_site ON page_fact (site, fetched_at)",
    "CREATE INDEX page_fact_fetched ON page_fact (fetched_at)",
    "CREATE TABLE layout_alarm (id TEXT PRIMARY KEY, json BLOB NOT NULL)",
)

#: The record of the log that a document came from first.
_CREATED_FROM = "created_from TEXT NOT NULL DEFAULT ''"
ORIGINS = (f"ALTER TABLE document ADD COLUMN {_CREATED_FROM}",)

#: Statements that upgrade a file of this version to the next.
UPGRADES = {1: REVISIONS, 2: FEEDS, 3: LAYOUTS, 4: ORIGINS}

#: `key` grows with every write, also of a known document, so the greatest keys were written
#: last. Times are milliseconds since 1970. `body` is separate to keep `document` small. `flags` and
#: the kinds of `value` are those of ingest/search_fields.py: kinds of fields are stored folded,
#: those of facets as they are written.
TABLES = (
    f"""
    CREATE TABLE document (
        key INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        version INTEGER NOT NULL,
        revision INTEGER NOT NULL,
        content_hash TEXT NOT NULL,
        content_source TEXT NOT NULL,
        title TEXT NOT NULL,
        entry_id TEXT NOT NULL,
        feed_ids TEXT NOT NULL,
        first_seen_at INTEGER NOT NULL,
        published_at INTEGER,
        enriched_at INTEGER,
        flags INTEGER NOT NULL,
        word_count INTEGER NOT NULL,
        {_CREATED_FROM}
    )
    """,
    "CREATE INDEX document_published ON document (published_at, id)",
    "CREATE INDEX document_first_seen ON document (first_seen_at, id)",
    "CREATE TABLE body (document INTEGER PRIMARY KEY, json BLOB NOT NULL)",
    """
    CREATE TABLE tombstone (
        id TEXT PRIMARY KEY,
        first_seen_at INTEGER NOT NULL,
        removed_at INTEGER NOT NULL,
        reason TEXT NOT NULL
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE value (
        key INTEGER PRIMARY KEY,
        kind INTEGER NOT NULL,
        text TEXT NOT NULL,
        UNIQUE (kind, text)
    )
    """,
    """
    CREATE TABLE document_value (
        document INTEGER NOT NULL,
        kind INTEGER NOT NULL,
        value INTEGER NOT NULL,
        PRIMARY KEY (document, kind, value)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX value_document ON document_value (value, document)",
    """
    CREATE VIRTUAL TABLE document_fts USING fts5 (
        title, text, title_stems, text_stems, authors,
        content='',
        tokenize="unicode61 remove_diacritics 0 tokenchars '_' categories 'L* M* N* Cf Co'"
    )
    """,
    "CREATE TABLE meta (name TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID",
    "INSERT INTO meta VALUES ('values_generation', '0')",
    *REVISIONS,
    *FEEDS,
    *LAYOUTS,
    f"PRAGMA application_id={APPLICATION_ID}",
    f"PRAGMA user_version={VERSION}",
)
