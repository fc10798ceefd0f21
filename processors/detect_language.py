"""Detects the language of a document from its title and the start of its text."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from ingest.model import EnrichedDocument
from ingest.outcome import Keep, Outcome
from ingest.terms import SAME_LANGUAGE, language_of_tag

VERSION = 1

_LETTER = re.compile(r"[^\W\d_]")


class Options(BaseModel):
    """Options of detect_language."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    characters: int = Field(500, gt=0, description="number of characters to examine")
    min_score: float = Field(
        0.8, ge=0, le=1, description="below this, the language given by feed or page decides"
    )
    min_letters: int = Field(20, gt=0, description="shorter texts get the language und")


class DetectLanguage:
    """The enricher; fills `language`, `language_score`, `language_source`."""

    engine = f"py3langid@{VERSION}"

    def __init__(self, options: Options) -> None:
        self._options = options
        self._identifier = _identifier()

    def __call__(self, document: EnrichedDocument, /) -> Outcome[EnrichedDocument]:
        """Return the document with its language as ISO 639-1 code, `und` if unknown.

        `language_source` is text, hint (where the text is ambiguous) or none.
        """
        language, score, source = self._decided(document)
        return Keep(
            msgspec.structs.replace(
                document, language=language, language_score=score, language_source=source
            )
        )

    def _decided(self, document: EnrichedDocument) -> tuple[str, float, str]:
        sample = f"{document.title}\n{document.text[: self._options.characters]}"
        letters = sum(1 for _ in _LETTER.finditer(sample))
        # A Chinese or Japanese character says about as much as three letters.
        signs = sum(1 for character in sample if "\u3040" <= character <= "\u9fff")
        if letters + 2 * signs < self._options.min_letters:
            return "und", 0.0, "none"
        ranked = _merged(self._identifier.rank(sample))
        best, score = max(ranked.items(), key=lambda item: item[1])
        if score >= self._options.min_score:
            return best, round(score, 4), "text"
        hint = language_of_tag(document.language_hint)
        if hint in ranked and hint != best:
            return hint, round(ranked[hint], 4), "hint"
        return best, round(score, 4), "text"


def _merged(ranked: list[tuple[str, float]]) -> dict[str, float]:
    scores: dict[str, float] = {}
    for code, score in ranked:
        name = SAME_LANGUAGE.get(code, code)
        scores[name] = scores.get(name, 0.0) + float(score)
    return scores


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def build(options: Options) -> DetectLanguage:
    """Return the enricher, with its model loaded."""
    return DetectLanguage(options)
