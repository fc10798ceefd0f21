"""Finds the names listed in config/watches.yml; a list overrides the entity engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import ahocorasick
import msgspec
from pydantic import BaseModel, ConfigDict, Field

from ingest.entities.joining import Pinned, assembled
from ingest.entities.known import forms_of
from ingest.entities.lexicon import folded_in_place, slug
from ingest.errors import ConfigError, ConfigFault
from ingest.model import EnrichedDocument, EntityDetail, Mention, Watchlist, WatchlistHit
from ingest.outcome import Keep, Outcome
from ingest.settings.faults import checked
from ingest.settings.yaml_file import YamlFile, read_yaml
from ingest.terms import fold

Case = Literal["capitals", "exact", "any"]
Kind = Literal["person", "organisation", "place"]

VERSION = 1
_QUOTES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "\u00a0": " "})


class _Block(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WatchedName(_Block):
    """One entity of a list."""

    name: str = Field(min_length=2, description="the name to show")
    id: str = Field("", description="entity id; empty is made from type and name")
    aliases: list[str] = Field([], description="other names that mean the same")
    wikidata_id: str = Field("", pattern=r"^(Q\d+)?$", description="Wikidata's id, such as Q42")
    case: Case | None = Field(None, description="overrides the list's rule")
    language: str | None = Field(None, description="overrides the list's language")


class NameList(_Block):
    """One list of names."""

    name: str = Field(min_length=1, description="the name that hits carry")
    type: Kind = Field(description="person, organisation or place")
    language: str = Field("", description="only in documents of this language; empty is all")
    case: Case = Field(
        "capitals",
        description="capitals: as written or all in capitals; exact: as written; any: any case",
    )
    names: list[WatchedName | str] = Field([], description="the entities, or just their names")


class Lists(_Block):
    """All of config/watches.yml; match_watchlists reads the lists."""

    lists: list[NameList] = Field([], description="lists of names, looked for in every document")
    exclude: list[str] = Field(
        [], description="entities that no document is tagged with, by id or by name"
    )
    watches: list[object] | dict[str, object] | None = Field(
        None, description="kept for saved searches; nothing runs them yet"
    )


class WatchedEntity(NamedTuple):
    """One entity with everything that its list says about it."""

    list: str
    entity: Pinned
    case: Case = "capitals"
    language: str = ""


def read_lists(config_folder: Path) -> tuple[list[WatchedEntity], list[str]]:
    """Return the entities of all lists, and the ids and names to exclude, in order.

    Both are [] if the file does not exist. Errors: ConfigError with all faults.
    """
    path = config_folder / "watches.yml"
    if not path.exists():
        return [], []
    file = read_yaml(path)
    for name in ("lists", "exclude"):
        if file.data.get(name) is None:
            file.data[name] = []
    lists = checked(file, Lists)
    found, faults = _watched(lists, file)
    if faults:
        raise ConfigError(faults)
    return found, lists.exclude


def file_faults(config_folder: Path) -> list[ConfigFault]:
    """Return the faults of config/watches.yml, for `check` and the start of `run`."""
    try:
        read_lists(config_folder)
    except ConfigError as error:
        return error.faults
    return []


def _watched(lists: Lists, file: YamlFile) -> tuple[list[WatchedEntity], list[ConfigFault]]:
    found: list[WatchedEntity] = []
    faults: list[ConfigFault] = []
    named: dict[str, str] = {}
    for number, block in enumerate(lists.lists):
        for place, item in enumerate(block.names):
            entry = WatchedName(name=item) if isinstance(item, str) else item
            id = entry.id or f"{block.type}:{slug(entry.name)}"
            if named.setdefault(id, entry.name) != entry.name:
                faults.append(
                    file.fault(
                        ("lists", number, "names", place),
                        id,
                        f"this id is already that of {named[id]!r}",
                        "change one of the two ids, or use the same name",
                    )
                )
            found.append(
                WatchedEntity(
                    block.name,
                    Pinned(
                        id=id,
                        type=block.type,
                        name=entry.name,
                        aliases=tuple(dict.fromkeys((entry.name, *entry.aliases))),
                        wikidata_id=entry.wikidata_id,
                    ),
                    entry.case or block.case,
                    block.language if entry.language is None else entry.language,
                )
            )
    return found, faults


class Options(BaseModel):
    """Options of match_watchlists: none; the lists are in config/watches.yml."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ListedName(NamedTuple):
    """One form of a watched entity at one position."""

    start: int
    end: int
    watched: WatchedEntity


class MatchWatchlists:
    """The enricher; fills `watchlist`, and adds mentions of strength certain."""

    engine = f"lists@{VERSION}"

    def __init__(self, watched: Sequence[WatchedEntity], excluded: Sequence[str] = ()) -> None:
        self._excluded = frozenset(map(fold, excluded))
        self._automaton = ahocorasick.Automaton()
        by_form: dict[str, list[tuple[str, WatchedEntity]]] = {}
        for one in watched:
            for form in one.entity.aliases:
                by_form.setdefault(_folded(form), []).append((form, one))
        for form, entries in by_form.items():
            self._automaton.add_word(form, (len(form), entries))
        if by_form:
            self._automaton.make_automaton()
        self._is_empty = not by_form

    def __call__(self, document: EnrichedDocument, /) -> Outcome[EnrichedDocument]:
        """Return the document with hits, which replace the mentions that they overlap.

        Excluded entities lose their mentions. `watchlist.hits` are those of the text; names of the
        title are mentions of the title.
        """
        if self._excluded and document.mentions:
            document = self._without_excluded(document)
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
                entity_id=found.watched.entity.id,
                name=found.watched.entity.name,
                start=found.start,
                end=found.end,
            )
            for found in in_text
        )
        document = msgspec.structs.replace(document, watchlist=Watchlist(names=names, hits=hits))
        return Keep(_with_mentions(document, {"text": in_text, "title": in_title}))

    def _without_excluded(self, document: EnrichedDocument) -> EnrichedDocument:
        joined = assembled(document, document.mentions)
        gone = {
            detail.id
            for detail in joined.entity_details
            if self._excluded & set(map(fold, _names_of(detail)))
        }
        kept = [
            mention
            for mention, one in zip(document.mentions, joined.mentions, strict=True)
            if one.entity_id not in gone
        ]
        if not gone:
            return document
        if document.entity_details:
            return assembled(document, kept)
        return msgspec.structs.replace(document, mentions=tuple(kept))

    def _found(self, text: str, language: str) -> list[ListedName]:
        """Return the hits in order; the longest win, but several lists may match at one place."""
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


def _names_of(detail: EntityDetail) -> Iterator[str]:
    """Yield what an entity may be called in `exclude`: ids and names, of known ones in any language."""
    yield from (detail.id, detail.name, *detail.forms, *forms_of(detail.id))
    if detail.wikidata_id:
        yield detail.wikidata_id


def _with_mentions(
    document: EnrichedDocument, found: dict[str, list[ListedName]]
) -> EnrichedDocument:
    pinned: dict[str, Pinned] = {}
    mentions: list[Mention] = []
    for field, names in found.items():
        added: dict[tuple[int, int], Mention] = {}
        for start, end, watched in names:
            entity = watched.entity
            pinned.setdefault(entity.id, entity)
            added.setdefault(
                (start, end),
                Mention(
                    type=entity.type,
                    start=start,
                    end=end,
                    text=getattr(document, field)[start:end],
                    rule="watchlist",
                    strength="certain",
                    entity_id=entity.id,
                    evidence=f"list: {watched.list}",
                    field=field,
                ),
            )
        kept = [
            one
            for one in document.mentions
            if one.field == field
            and not any(one.start < end and start < one.end for start, end in added)
        ]
        mentions += sorted([*kept, *added.values()], key=lambda one: one.start)
    return assembled(document, mentions, pinned.values())


def _folded(text: str) -> str:
    return folded_in_place(text.translate(_QUOTES), str.lower)


def _is_whole(text: str, start: int, end: int) -> bool:
    """Return whether these are whole words; scripts without spaces have no word boundaries."""
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
    return MatchWatchlists(*read_lists(config_folder))
