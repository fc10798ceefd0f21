"""Finds mentions of people, organisations and places in text and title."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from ingest.entities.lexicon import person_names, word_lists
from ingest.model import EnrichedDocument, Mention
from ingest.outcome import Keep, Outcome
from processors.find_entities.builtin import find_mentions
from processors.find_entities.known_people import with_known
from processors.find_entities.names_only import find_listed_names
from processors.find_entities.spacy_backend import SpacyFinder, is_installed, model_for
from processors.find_entities.tagger import combined, model_of
from processors.find_entities.titles import title_mentions

VERSION = 2

Finder = Callable[[str, str], tuple[Mention, ...]]

#: Languages that capitalise as English does: names, not nouns.
FULL_LANGUAGES = ("en", "fr", "es", "it", "pt", "nl", "sv", "da", "no")


class Options(BaseModel):
    """Options of find_entities."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    backend: str = Field(
        "auto",
        pattern=r"^(auto|builtin|off|spacy:[A-Za-z0-9_.\-/]+)$",
        description="auto (an installed spaCy model where it was measured to be better, else builtin), builtin, spacy:<package>, or off",
    )
    full_languages: tuple[str, ...] = Field(
        FULL_LANGUAGES,
        description="languages in which capitals mark names; in others the rules find only listed names",
    )
    max_characters: int = Field(
        200_000, gt=0, description="text beyond this many characters is ignored"
    )


class FindEntities:
    """The enricher; fills `mentions`. `engine` names the backend chosen at start."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._named: SpacyFinder | None = None
        self._finders: dict[str, Finder] = {}
        self.engine = f"builtin@{VERSION}"
        if options.backend.startswith("spacy:"):
            self._named = SpacyFinder(options.backend.removeprefix("spacy:"))
            self.engine = f"spacy-{self._named.name}"
        elif options.backend == "auto" and is_installed():
            self.engine = f"auto@{VERSION}"
        else:
            person_names()
            word_lists("en")

    def __call__(self, document: EnrichedDocument, /) -> Outcome[EnrichedDocument]:
        """Return the document with its mentions: in order of the text, then of the title."""
        if self._options.backend == "off":
            return Keep(document)
        language = document.language or document.language_hint[:2].lower() or "en"
        text = document.text[: self._options.max_characters]
        language = "en" if language == "und" else language
        mentions = with_known(text, language, self._finder(language)(text, language))
        mentions += title_mentions(document.title, language, mentions)
        return Keep(msgspec.structs.replace(document, mentions=mentions))

    def _finder(self, language: str) -> Finder:
        finder = self._finders.get(language)
        if finder is None:
            finder = self._finders[language] = self._chosen(language)
        return finder

    def _chosen(self, language: str) -> Finder:
        if self._named is not None:
            return self._named
        package = model_for(language) if self._options.backend == "auto" else ""
        if package:
            return SpacyFinder(package)
        rules = find_mentions if language in self._options.full_languages else find_listed_names
        model = model_of(language)
        if model is None:
            return rules
        return lambda text, language: combined(text, language, rules(text, language), model)


def build(options: Options) -> FindEntities:
    """Return the enricher. Errors: UnknownName if the named spaCy model is not installed."""
    return FindEntities(options)
