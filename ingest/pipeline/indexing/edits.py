"""Decides what is written to the index, and finds the edits between an old and a new text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from ingest.identity import GENERATIONS
from ingest.model import EnrichedDocument, IndexedDocument
from ingest.outcome import Drop
from ingest.ports import Index, IndexWrite, Known, KnownText, Revision, Verdict
from ingest.telemetry import Event
from ingest.terms import sentences

#: Sources other than a page: such a text never replaces the page text of a known document.
WEAK_SOURCES = ("feed", "none")

#: Maximum number and length of stored sentences; further ones are only counted.
MAX_SENTENCES = 300
MAX_SENTENCE_CHARACTERS = 2_000
_MAX_ENTITY_IDS = 200

revision_found = Event("revision_found", level="debug", counts="revisions_total")


class Older(msgspec.Struct, frozen=True):
    """The index already has a newer fetch of the same document: there is nothing to do."""


class Differences(NamedTuple):
    """The sentences that are in only one of two texts; `changed_share` as in Revision."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed_share: float


def plan_write(
    document: EnrichedDocument, known: Known | None, now: datetime, origin: str = ""
) -> IndexWrite | Drop | Older:
    """Return the document as it is written, or why it is not. `origin` is its record in the log.

    `revision` increases by one if the text changed; the earlier `first_seen_at` stays, and with
    it the monthly index; the feeds are merged.
    """
    if known is None:
        first_seen_at, feeds = document.first_seen_at, document.feed_ids
        return IndexWrite(_indexed(document, 1, first_seen_at, feeds, now, origin))
    if known.is_removed:
        return Drop("removed")
    if known.version > document.version:
        return Older()
    if known.version == document.version and _is_earlier(document, known):
        return Older()
    if document.content_source in WEAK_SOURCES and known.content_source not in WEAK_SOURCES:
        return Drop("page_text_kept")
    has_changed = document.content_hash != known.content_hash
    feeds = tuple(dict.fromkeys((*known.feed_ids, *document.feed_ids)))
    first = min(known.first_seen_at, document.first_seen_at)
    revision = known.revision + 1 if has_changed else known.revision
    made = _indexed(document, revision, first, feeds, now, known.created_from)
    return IndexWrite(made, known.index)


def is_edit(before: Known, after: IndexedDocument) -> bool:
    """Return whether a new revision is an edit by the publisher.

    It is not if the same page was read again (a replay), if the text of the page replaces that of
    the feed, or if the document is a live blog, which grows by design.
    """
    if after.revision <= before.revision or after.is_live_blog:
        return False
    if after.version // GENERATIONS == before.version // GENERATIONS:
        return False
    return before.content_source not in WEAK_SOURCES or after.content_source in WEAK_SOURCES


def revision_of(before: Known, text: KnownText, after: IndexedDocument) -> Revision | None:
    """Return what changed; None if all sentences and the title are unchanged.

    The same two documents always have the same revision.
    """
    found = differences(text.text, after.text)
    if not found.added and not found.removed and text.title == after.title:
        return None
    return Revision(
        document_id=after.id,
        revision=after.revision,
        revision_before=before.revision,
        version=after.version,
        changed_at=after.fetched_at,
        first_seen_at=after.first_seen_at,
        url=after.url_canonical or after.url_published,
        domain=after.domain,
        publisher=after.publisher,
        language=after.language,
        title_before=text.title,
        title_after=after.title,
        added=_kept(found.added),
        removed=_kept(found.removed),
        added_count=len(found.added),
        removed_count=len(found.removed),
        changed_share=found.changed_share,
        entity_ids=after.entity_ids[:_MAX_ENTITY_IDS],
    )


def differences(before: str, after: str) -> Differences:
    """Return the added and the removed sentences, each in the order of its text.

    A sentence that only moved, or whose blanks changed, is in neither. A sentence that occurred
    twice and now occurs once was removed once. Takes linear time.
    """
    old, new = _sentences(before), _sentences(after)
    removed, added = _without(old, Counter(new)), _without(new, Counter(old))
    whole = sum(map(len, old)) + sum(map(len, new))
    changed = sum(map(len, removed)) + sum(map(len, added))
    share = round(changed / whole, 4) if whole else 0.0
    return Differences(tuple(added), tuple(removed), share)


class Edits:  # pragma: no mutate block
    """The edits of one batch, which are written before its documents.

    In the other order, a crash between the two would lose them: the index would already have the
    new text. After a crash they are found again and overwritten under the same id.
    """

    def __init__(self, index: Index) -> None:
        self._index = index
        self._found: list[tuple[Known, IndexedDocument]] = []
        self._written: list[Revision] = []

    def note(self, before: Known | None, after: IndexWrite) -> None:
        """Add a document that will be written, and what the index knew of it before."""
        if before is not None and is_edit(before, after.document):
            self._found.append((before, after.document))

    def put(
        self, known: dict[str, Known], writes: Sequence[IndexWrite]
    ) -> dict[tuple[str, int], Verdict]:
        """Write the edits. `known` is the state before the batch.

        Return the verdicts on those that were not written, by document and revision: their
        documents are not written either, so that no edit is lost. Errors: those of Revisions.
        """
        if not self._found:
            return {}
        revisions = self._revisions(known, writes)
        left = self._index.revisions.put(revisions) if revisions else {}
        self._written = [one for one in revisions if one.id not in left]
        for revision in self._written:
            revision_found(
                id=revision.document_id, revision=revision.revision, share=revision.changed_share
            )
        return {
            (one.document_id, one.revision): left[one.id] for one in revisions if one.id in left
        }

    def forget_unwritten(self, writes: Sequence[IndexWrite], verdicts: Sequence[Verdict]) -> None:
        """Remove the edits of documents that were not written."""
        unwritten = {
            (item.document.id, item.document.revision)
            for item, verdict in zip(writes, verdicts, strict=True)
            if verdict.kind in ("refused", "failed")
        }
        left = [one for one in self._written if (one.document_id, one.revision) in unwritten]
        if left:
            self._index.revisions.forget(left)

    def _revisions(self, known: dict[str, Known], writes: Sequence[IndexWrite]) -> list[Revision]:
        """Return the edits, each against the text before it, which may be of the same batch."""
        edited = {after.id for _, after in self._found}
        texts = self._index.revisions.texts([known[id] for id in edited if id in known])
        befores = {(after.id, after.version): before for before, after in self._found}
        revisions = []
        for item in writes:
            document = item.document
            if document.id not in edited:
                continue
            before = befores.get((document.id, document.version))
            text = texts.get(document.id)
            if before is not None and text is not None:
                revision = revision_of(before, text, document)
                revisions += [] if revision is None else [revision]
            texts[document.id] = KnownText(document.title, document.text)
        return revisions


def _is_earlier(document: EnrichedDocument, known: Known) -> bool:
    if document.enriched_at is None or known.enriched_at is None:
        return False
    return document.enriched_at < known.enriched_at


def _indexed(
    document: EnrichedDocument,
    revision: int,
    first_seen_at: datetime,
    feed_ids: tuple[str, ...],
    now: datetime,
    created_from: str,
) -> IndexedDocument:
    values = {name: getattr(document, name) for name in document.__struct_fields__}
    values |= {"first_seen_at": first_seen_at, "feed_ids": feed_ids, "created_from": created_from}
    return IndexedDocument(**values, revision=revision, indexed_at=now)


def _sentences(text: str) -> list[str]:
    return [" ".join(one.split()) for one in sentences(text)]


def _without(ours: Sequence[str], theirs: Counter[str]) -> list[str]:
    left = theirs.copy()
    found = []
    for sentence in ours:
        if left[sentence] > 0:
            left[sentence] -= 1
        else:
            found.append(sentence)
    return found


def _kept(found: Sequence[str]) -> tuple[str, ...]:
    return tuple(one[:MAX_SENTENCE_CHARACTERS] for one in found[:MAX_SENTENCES])
