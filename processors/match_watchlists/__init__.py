"""Finds the names of the lists in config/watches.yml; what a list says overrides the engine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import ahocorasick
import msgspec
from pydantic import BaseModel, ConfigDict

from ingest.model import EnrichedDocument, Mention, Watchlist, WatchlistHit
from ingest.outcome import Keep, Outcome
from processors.match_watchlists.lists import WatchedEntity, read_lists
from processors.merge_mentions.assemble import Pinned, assembled

VERSION = 1

_QUOTES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "\u00a0": " "})


class Options(BaseModel):
    """Options of match_watchlists: none; the lists are in config/watches.yml."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ListedName(NamedTuple):
    """One form of a watched entity at one place."""

    start: int
    end: int
    watched: WatchedEntity


class MatchWatchlists:
    """The enricher; fills `watchlist`, and adds mentions of strength certain."""

    engine = f"lists@{VERSION}"

    def __init__(self, watched: Sequence[WatchedEntity]) -> None:
        self._automaton = ahocorasick.Automaton()
        by_form: dict[str, list[tuple[str, WatchedEntity]]] = {}
        for one in watched:
            for form in one.forms:
                by_form.setdefault(_folded(form), []).append((form, one))
        for form, entries in by_form.items():
            self._automaton.add_word(form, (len(form), entries))
        if by_form:
            self._automaton.make_automaton()
        self._is_empty = not by_form

    def __call__(self, document: EnrichedDocument, /) -> Outcome[EnrichedDocument]:
        """Return the document with hits; mentions that overlap one give way to it.

        Names that stand only in the title add their list, but no mention: offsets are the text's.
        """
        if self._is_empty:
            return Keep(document)
        in_text = self._found(document.text, document.language)
        in_title = self._found(document.title, document.language)
        if not in_text and not in_title:
            return Keep(document)
        names = tuple(dict.fromkeys(found.watched.list for found in (*in_text, *in_title)))
        hits = tuple(
            WatchlistHit(
                list=found.watched.list,
                entity_id=found.watched.id,
                name=found.watched.name,
                start=found.start,
                end=found.end,
            )
            for found in in_text
        )
        document = msgspec.structs.replace(document, watchlist=Watchlist(names=names, hits=hits))
        return Keep(_with_mentions(document, in_text))

    def _found(self, text: str, language: str) -> list[ListedName]:
        """Return the hits in order, longest first, none overlapping but several lists at one place."""
        spans: dict[tuple[int, int], list[WatchedEntity]] = {}
        for last, (length, entries) in self._automaton.iter(_folded(text)):
            start, end = last - length + 1, last + 1
            if not _is_whole(text, start, end):
                continue
            for form, watched in entries:
                if watched.language and watched.language != language:
                    continue
                if _fits_case(text[start:end], form, watched.case):
                    spans.setdefault((start, end), []).append(watched)
        result: list[ListedName] = []
        covered = -1
        for (start, end), every in sorted(
            spans.items(), key=lambda item: (item[0][0], -item[0][1])
        ):
            if start >= covered:
                result += [ListedName(start, end, watched) for watched in every]
                covered = end
        return result


def _with_mentions(document: EnrichedDocument, found: Sequence[ListedName]) -> EnrichedDocument:
    pinned: dict[str, Pinned] = {}
    added: dict[tuple[int, int], Mention] = {}
    for start, end, watched in found:
        pinned.setdefault(
            watched.id,
            Pinned(
                id=watched.id,
                type=watched.type,
                name=watched.name,
                aliases=watched.forms,
                wikidata_id=watched.wikidata_id,
            ),
        )
        added.setdefault(
            (start, end),
            Mention(
                type=watched.type,
                start=start,
                end=end,
                text=document.text[start:end],
                rule="watchlist",
                strength="certain",
                entity_id=watched.id,
                evidence=f"list: {watched.list}",
            ),
        )
    if not added:
        return document
    kept = [
        mention
        for mention in document.mentions
        if not any(mention.start < end and start < mention.end for start, end in added)
    ]
    mentions = sorted([*kept, *added.values()], key=lambda mention: mention.start)
    return assembled(document, mentions, pinned.values())


def _folded(text: str) -> str:
    """Return the lower case, one character for one, so that offsets stay."""
    text = text.translate(_QUOTES)
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def _is_whole(text: str, start: int, end: int) -> bool:
    """Return whether no word goes on at either side; signs without blanks between are whole."""
    if start and _goes_on(text[start - 1], text[start]):
        return False
    return not (end < len(text) and _goes_on(text[end - 1], text[end]))


def _goes_on(one: str, two: str) -> bool:
    if not (one.isalnum() and two.isalnum()):
        return False
    return not ("\u2e80" <= one <= "\u9fff" or "\u2e80" <= two <= "\u9fff")


def _fits_case(text: str, form: str, case: str) -> bool:
    if case == "any":
        return True
    text, form = text.translate(_QUOTES), form.translate(_QUOTES)
    return text == form or (case == "capitals" and text == form.upper())


def build(options: Options, *, config_folder: Path) -> MatchWatchlists:
    """Return the enricher with the lists read. Errors: ConfigError."""
    del options
    return MatchWatchlists(read_lists(config_folder))
