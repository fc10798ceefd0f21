"""Joins the mentions of a document to the people, organisations and places that they mean."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from ingest.entities.joining import assembled
from ingest.model import EnrichedDocument
from ingest.outcome import Keep, Outcome

VERSION = 1


class Options(BaseModel):
    """Options of merge_mentions: none."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class MergeMentions:
    """The enricher; fills `entity_details`, the flat entity fields, and each mention's entity."""

    engine = f"builtin@{VERSION}"

    def __call__(self, document: EnrichedDocument, /) -> Outcome[EnrichedDocument]:
        """Return the document with its entities, most salient first."""
        return Keep(assembled(document, document.mentions))


def build(options: Options) -> MergeMentions:
    """Return the enricher."""
    del options
    return MergeMentions()
