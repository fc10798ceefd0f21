"""Counts words and sentences, and how long the text takes to read."""

from __future__ import annotations

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from ingest.model import EnrichedDocument
from ingest.outcome import Keep, Outcome
from ingest.terms import count_words, sentences

VERSION = 1


class Options(BaseModel):
    """Options of measure_text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    words_per_minute: float = Field(230.0, gt=0, description="reading speed of an adult")


class MeasureText:
    """The enricher; fills `word_count`, `sentence_count`, `reading_minutes`."""

    engine = f"builtin@{VERSION}"

    def __init__(self, options: Options) -> None:
        self._options = options

    def __call__(self, document: EnrichedDocument, /) -> Outcome[EnrichedDocument]:
        """Return the document with its measures; zero for an empty text."""
        words = count_words(document.text)
        return Keep(
            msgspec.structs.replace(
                document,
                word_count=words,
                sentence_count=len(sentences(document.text)),
                reading_minutes=round(words / self._options.words_per_minute, 1),
            )
        )


def build(options: Options) -> MeasureText:
    """Return the enricher."""
    return MeasureText(options)
