"""Finds what changed between two texts of one document (pure)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from ingest.model import IndexedDocument
from ingest.pipeline.indexing.revision import WEAK_SOURCES
from ingest.ports import Known, KnownText, Revision
from ingest.sentences import sentences

#: More is counted and not kept: a page that became another one is no edit to read.
MAX_SENTENCES = 300
MAX_SENTENCE_CHARACTERS = 2_000
#: Generations of a replay over one fetched page lie so close together (identity.version_of).
_GENERATIONS = 1_000
_MAX_ENTITY_IDS = 200


class Differences(NamedTuple):
    """The sentences of one text that are not in the other; `changed_share` as in Revision."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed_share: float


def is_edit(before: Known, after: IndexedDocument) -> bool:
    """Tell whether a grown revision is the publisher's doing, and worth reporting.

    Not so: another reading of the page that was fetched before (a replay), the page's text in
    place of the feed's, and the posts of a live blog, which grows by design.
    """
    if after.revision <= before.revision or after.is_live_blog:
        return False
    if after.version // _GENERATIONS == before.version // _GENERATIONS:
        return False
    return before.content_source not in WEAK_SOURCES or after.content_source in WEAK_SOURCES


def revision_of(before: Known, text: KnownText, after: IndexedDocument) -> Revision | None:
    """Give what changed; None when every sentence and the title are as before.

    The same two documents always give the same revision.
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
    """Give the sentences that came and that went, each in the order of its own text.

    A sentence that only moved, or whose blanks changed, is in neither. A sentence that stood twice
    and stands once now went once. Takes time by the length of the texts.
    """
    old, new = _sentences(before), _sentences(after)
    removed, added = _without(old, Counter(new)), _without(new, Counter(old))
    whole = sum(map(len, old)) + sum(map(len, new))
    changed = sum(map(len, removed)) + sum(map(len, added))
    share = round(changed / whole, 4) if whole else 0.0
    return Differences(tuple(added), tuple(removed), share)


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
