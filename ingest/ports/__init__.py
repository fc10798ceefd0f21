"""The ports: protocols for the log, the index, the fetcher and feed formats.

Each port has one contract suite in tests/contracts, which runs on all its implementations.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from ingest.ports.feed_records import FeedRecord, FeedRecords, FeedsReport, PollNote
from ingest.ports.fetcher import Disallowed, Fetched, Fetcher, FetchRequest, Hop, Resting
from ingest.ports.index import DeadLetterCopies, ExportPage, Index, IndexWrite
from ingest.ports.known import Known, Verdict
from ingest.ports.log import (
    DAMAGED,
    Appender,
    Delivery,
    Headers,
    Lag,
    Log,
    Position,
    Reader,
    Record,
    TopicPartition,
    TopicSpec,
)
from ingest.ports.processor import BatchProcessor, Processor
from ingest.ports.revisions import KnownText, Revision, RevisionRequest, Revisions, RevisionsFound
from ingest.ports.site_layouts import LayoutAlarm, LayoutFacts, SiteLayout, SiteLayouts
from ingest.ports.source import (
    NOTHING_KNOWN,
    SITEMAP_INDEX,
    KnownItems,
    ParsedFeed,
    ParseFeed,
    Source,
    SourceEntry,
)

Clock = Callable[[], datetime]

__all__ = [
    "DAMAGED",
    "NOTHING_KNOWN",
    "SITEMAP_INDEX",
    "Appender",
    "BatchProcessor",
    "Clock",
    "DeadLetterCopies",
    "Delivery",
    "Disallowed",
    "ExportPage",
    "FeedRecord",
    "FeedRecords",
    "FeedsReport",
    "FetchRequest",
    "Fetched",
    "Fetcher",
    "Headers",
    "Hop",
    "Index",
    "IndexWrite",
    "Known",
    "KnownItems",
    "KnownText",
    "Lag",
    "LayoutAlarm",
    "LayoutFacts",
    "Log",
    "ParseFeed",
    "ParsedFeed",
    "PollNote",
    "Position",
    "Processor",
    "Reader",
    "Record",
    "Resting",
    "Revision",
    "RevisionRequest",
    "Revisions",
    "RevisionsFound",
    "SiteLayout",
    "SiteLayouts",
    "Source",
    "SourceEntry",
    "TopicPartition",
    "TopicSpec",
    "Verdict",
]
