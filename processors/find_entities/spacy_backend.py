"""Finds mentions with an installed spaCy model, in the same form as the built-in engine."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from collections import Counter, defaultdict
from functools import cache
from typing import Any

import msgspec

from ingest.errors import UnknownName
from ingest.model import Mention

#: spaCy's labels → ours; all others are ignored.
LABELS = {
    "PERSON": "person", "PER": "person", "ORG": "organisation",
    "GPE": "place", "LOC": "place", "FAC": "place",
}  # fmt: skip

#: Pipeline components that entities do not need; without them spaCy is about twice as fast.
_UNUSED = ("tagger", "parser", "attribute_ruler", "lemmatizer", "morphologizer", "senter")

#: F1 on news of other people, exact span and type, by package and version of models that were
#: measured, and of the built-in engine by language. A model without a figure is used only by name.
_MEASURED = {("en_core_web_sm", "3.8"): 0.615}
_BUILT_IN = {"en": 0.705}

_ARTICLES = ("the ", "The ")


def is_installed() -> bool:
    """Return whether spaCy can be imported; it is the extra `[spacy]`."""
    return importlib.util.find_spec("spacy") is not None


def model_for(language: str) -> str:
    """Return the installed model that finds more than the built-in engine, "" if there is none."""
    better = {
        score: package
        for (package, version), score in _MEASURED.items()
        if package.startswith(f"{language}_")
        and score > _BUILT_IN.get(language, 0)
        and _installed_version(package).startswith(f"{version}.")
    }
    return better[max(better)] if better and is_installed() else ""


def _installed_version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


class SpacyFinder:
    """One loaded model; `name` is its package and version, and becomes the engine's name."""

    def __init__(self, package: str) -> None:
        self._nlp = _loaded(package)
        meta = self._nlp.meta
        self.name = f"{meta.get('lang', '')}_{meta.get('name', package)}@{meta.get('version', '0')}"

    def __call__(self, text: str, language: str) -> tuple[Mention, ...]:
        """Return the mentions in order. Each name gets the type of most of its mentions."""
        del language
        found = [
            mention
            for span in self._nlp(text).ents
            if (mention := _mention(text, span)) is not None
        ]
        votes: dict[str, Counter[str]] = defaultdict(Counter)
        for mention in found:
            votes[mention.text.casefold()][mention.type] += 1
        return tuple(_voted(mention, votes[mention.text.casefold()]) for mention in found)


def _mention(text: str, span: Any) -> Mention | None:
    type = LABELS.get(span.label_)
    if type is None:
        return None
    start, end = span.start_char, span.end_char
    if text[start:end].startswith(_ARTICLES):
        start += 4
    if text[start:end].endswith(("'s", "’s")):
        end -= 2
    if end - start < 2:
        return None
    return Mention(
        type=type, start=start, end=end, text=text[start:end], rule=f"spacy:{span.label_}",
        strength="medium",
    )  # fmt: skip


def _voted(mention: Mention, votes: Counter[str]) -> Mention:
    winner, count = votes.most_common(1)[0]
    if mention.type == winner or count == votes[mention.type]:
        return mention
    return msgspec.structs.replace(mention, type=winner, evidence=f"was {mention.type}, voted")


@cache
def _loaded(package: str) -> Any:
    if not is_installed():
        raise UnknownName(
            "spaCy is not installed", value=f"spacy:{package}",
            remedy="install news-ingest[spacy] and the model, or set backend: builtin",
        )  # fmt: skip
    spacy = importlib.import_module("spacy")
    try:
        return spacy.load(package, exclude=list(_UNUSED))
    except OSError as error:
        raise UnknownName(
            "this spaCy model is not installed", value=package,
            remedy=f"install its wheel (pip install ./{package}-….whl), or set backend: builtin",
        ) from error  # fmt: skip
