"""Finds mentions with an installed spaCy model, in the same form as the built-in engine."""

from __future__ import annotations

import importlib
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

#: Model sizes in order of preference: lg gains less than a point over md, trf needs a GPU.
_SIZES = ("md", "lg", "sm", "trf")

_ARTICLES = ("the ", "The ")


def is_installed() -> bool:
    """Return whether spaCy can be imported; it is the extra `[spacy]`."""
    return importlib.util.find_spec("spacy") is not None


def model_for(language: str) -> str:
    """Return the best installed model for this language, "" if there is none."""
    if not is_installed():
        return ""
    util = importlib.import_module("spacy.util")
    fitting = [name for name in util.get_installed_models() if name.startswith(f"{language}_")]
    ranked = sorted(fitting, key=lambda name: (_rank(name), name))
    return str(ranked[0]) if ranked else ""


def _rank(name: str) -> int:
    size = name.rpartition("_")[2]
    return _SIZES.index(size) if size in _SIZES else len(_SIZES)


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
