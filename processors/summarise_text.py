"""Sets the summary: the publisher's own, else the first sentences."""

from __future__ import annotations

import re

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from ingest.model import EnrichedDocument
from ingest.outcome import Keep, Outcome
from ingest.terms import sentences

VERSION = 1

_BLANKS = re.compile(r"\s+")
_TAG = re.compile(r"<[^<>]{1,200}>")
_DATELINE = re.compile(r"^[A-ZÀ-Þ][A-ZÀ-Þ .,'’-]{2,40}(?:\([^)]{2,30}\)\s*)?\s*[—–-]\s+")


class Options(BaseModel):
    """Options of summarise_text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sentences: int = Field(3, gt=0, description="sentences to take from the start of the text")
    max_characters: int = Field(500, gt=40, description="longest summary; cut between words")
    min_characters: int = Field(
        40, ge=0, description="a publisher's summary shorter than this is not used"
    )


class SummariseText:
    """The enricher; fills `summary` and `summary_source`."""

    engine = f"lead@{VERSION}"

    def __init__(self, options: Options) -> None:
        self._options = options

    def __call__(self, document: EnrichedDocument, /) -> Outcome[EnrichedDocument]:
        """Return the document with a summary; a publisher's own keeps its source.

        `summary_source` then stays as it was; otherwise it is lead, the first sentences, which are a
        hard baseline to beat for news.
        """
        options = self._options
        own = _BLANKS.sub(" ", _TAG.sub(" ", document.summary)).strip()
        is_used = len(own) >= options.min_characters and not _is_title(own, document.title)
        if is_used:
            summary, source = own, document.summary_source or "feed"
        else:
            first = " ".join(_lead(document.text, options))
            summary, source = (first, "lead") if first else (own, document.summary_source)
        return Keep(
            msgspec.structs.replace(
                document, summary=shortened(summary, options.max_characters), summary_source=source
            )
        )


def _lead(text: str, options: Options) -> list[str]:
    head = _DATELINE.sub("", text[: options.max_characters * 6], count=1)
    chosen = []
    for sentence in sentences(head):
        cleaned = _BLANKS.sub(" ", sentence).strip()
        # A line without end punctuation is a heading or a byline, not a sentence.
        if len(cleaned) >= 15 and cleaned[-1] in '.!?…"”»)。！？':
            chosen.append(cleaned)
        if len(chosen) == options.sentences:
            break
    return chosen or [_BLANKS.sub(" ", head).strip()]


def _is_title(summary: str, title: str) -> bool:
    return summary.casefold().rstrip(".… ") == title.casefold().strip().rstrip(".… ")


def shortened(text: str, limit: int) -> str:
    """Return the text, cut at a word and ended with … if it is longer than `limit` characters."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    head, _, _tail = cut.rpartition(" ")
    return (head if len(head) > limit // 2 else cut).rstrip(" ,;:–—-") + "…"


def build(options: Options) -> SummariseText:
    """Return the enricher."""
    return SummariseText(options)
