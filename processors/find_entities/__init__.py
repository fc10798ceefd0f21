"""Finds mentions of people, organisations and places in the text."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from ingest.model import EnrichedDocument, Mention
from ingest.outcome import Keep, Outcome
from processors.find_entities.builtin import find_mentions
from processors.find_entities.names_only import find_listed_names

VERSION = 1

Finder = Callable[[str, str], tuple[Mention, ...]]

#: Languages that capitalise as English does: names, not nouns.
FULL_LANGUAGES = ("en", "fr", "es", "it", "pt", "nl", "sv", "da", "no", "ca", "ro", "ga", "id", "ms", "tl", "af")  # fmt: skip


class Options(BaseModel):
    """Options of find_entities."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    backend: str = Field(
        "auto",
        pattern=r"^(auto|builtin|off|spacy:[A-Za-z0-9_.\-]+)$",
        description="auto (an installed spaCy model where one fits the language, else builtin), builtin, spacy:<package>, off",
    )
    full_languages: tuple[str, ...] = Field(
        FULL_LANGUAGES,
        description="languages in which capitals mark names; in others only countries and cities are looked for",
    )
    max_characters: int = Field(
        200_000, gt=0, description="text after this many characters is not looked at"
    )


class FindEntities:
    """The enricher with its backend chosen; `engine` names the built-in engine or the backend."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self.engine = f"builtin@{VERSION}"

    def __call__(self, document: EnrichedDocument, /) -> Outcome[EnrichedDocument]:
        """Give the document with `mentions` in order of the text."""
        if self._options.backend == "off":
            return Keep(document)
        text = document.text[: self._options.max_characters]
        language = document.language or document.language_hint[:2] or "en"
        if language in self._options.full_languages or language == "und":
            mentions = find_mentions(text, "en" if language == "und" else language)
        else:
            mentions = find_listed_names(text, language)
        return Keep(msgspec.structs.replace(document, mentions=mentions))


def build(options: Options) -> FindEntities:
    """Give the enricher."""
    return FindEntities(options)
