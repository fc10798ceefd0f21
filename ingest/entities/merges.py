"""Merges and splits of entities that people decide: applied to searches and to new documents.

Each is a record of the topic `news.entities`; one that is undone stays there as undone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from ingest.entities.joining import merged_details, with_entities
from ingest.model import EnrichedDocument, EntityDetail
from ingest.query import And, Boost, EntityIs, Node, Not, Or
from ingest.terms import fold

TOPIC = "news.entities"


class EntityChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One decision: the entity `id` is `into`.

    With `beside` it is a split: only in documents that also mention that entity. `names` and
    `into_names` are the names of both when it was decided, so that searches by name find both.
    """

    id: str
    into: str
    beside: str = ""
    names: tuple[str, ...] = ()
    into_names: tuple[str, ...] = ()
    by: str = ""
    reason: str = ""
    at: datetime
    undone_by: str = ""
    undone_at: datetime | None = None

    @property
    def key(self) -> str:
        """Return the key of its record: an entity is merged into one other at a time."""
        return f"{self.id} {self.beside}".strip()


def type_of(id: str) -> str:
    """Return the type of an entity by its id; countries are places."""
    kind = id.partition(":")[0]
    return "place" if kind == "country" else kind


class Merges:
    """All decisions that are in force."""

    def __init__(self, changes: Iterable[EntityChange] = ()) -> None:
        active = [change for change in changes if change.undone_at is None]
        self._into = {one.id: one for one in active if not one.beside}
        self._splits = [one for one in active if one.beside]
        self._members: dict[str, set[str]] = {}
        self._named: dict[tuple[str, str], set[str]] = {}
        for change in self._into.values():
            root = self.root(change.id)
            self._members.setdefault(root, {root}).update((change.id, change.into))
            for name in (change.id, change.into, *change.names, *change.into_names):
                self._named.setdefault((type_of(root), fold(name)), set()).add(root)

    def root(self, id: str) -> str:
        """Return the id that this one is merged into; the id itself if it is not merged."""
        seen = {id}
        while (change := self._into.get(id)) is not None and change.into not in seen:
            id = change.into
            seen.add(id)
        return id

    def members(self, id: str) -> frozenset[str]:
        """Return all ids that mean the same entity, with this one."""
        return frozenset(self._members.get(self.root(id), {id}))

    # ── searches ────────────────────────────────────────────────────────────────────────────

    def expanded(self, node: Node) -> Node:
        """Return the query with each entity as it is merged or split; old documents match too."""
        match node:
            case And():
                return And(tuple(map(self.expanded, node.parts)))
            case Or():
                return Or(tuple(map(self.expanded, node.parts)))
            case Not():
                return Not(self.expanded(node.part))
            case Boost():
                return Boost(self.expanded(node.part), node.factor)
            case EntityIs():
                return self._entity(node)
            case _:
                return node

    def _entity(self, node: EntityIs) -> Node:
        asked = fold(node.value)
        roots = self._named.get((node.type, asked), set())
        ids = sorted({id for root in roots for id in self._members[root]})
        found: list[Node] = [node, *(EntityIs(node.type, id) for id in ids if id != node.value)]
        for split in self._splits:
            both = And(
                (EntityIs(node.type, split.id), EntityIs(type_of(split.beside), split.beside))
            )
            if asked in map(fold, (split.into, *split.into_names)):
                found.append(both)
            elif node.value == split.id:
                found = [And((Or(tuple(found)), Not(both.parts[1])))]
        return found[0] if len(found) == 1 else Or(tuple(found))

    # ── documents ───────────────────────────────────────────────────────────────────────────

    def applied(self, document: EnrichedDocument) -> EnrichedDocument:
        """Return the document with the ids that its entities have now."""
        moves = dict(self._moves(document))
        if not moves:
            return document
        mentions = tuple(
            msgspec.structs.replace(one, entity_id=moves[one.entity_id].id)
            if one.entity_id in moves
            else one
            for one in document.mentions
        )
        # The entity that stays comes first: its name counts.
        details = sorted(document.entity_details, key=lambda detail: detail.id in moves)
        moved = [moves.get(detail.id, detail) for detail in details]
        return with_entities(document, mentions, merged_details(moved))

    def _moves(self, document: EnrichedDocument) -> Iterator[tuple[str, EntityDetail]]:
        ids = {self.root(id) for id in document.entity_ids}
        for detail in document.entity_details:
            split = next(
                (one for one in self._splits if one.id == detail.id and one.beside in ids), None
            )
            target = self.root(split.into if split else detail.id)
            if target == detail.id:
                continue
            change = split or self._into[detail.id]
            names = change.into_names or (detail.name,)
            forms = names if split else (*names, *detail.forms)
            yield (
                detail.id,
                msgspec.structs.replace(
                    detail,
                    id=target,
                    name=names[0],
                    forms=tuple(dict.fromkeys(forms)),
                    wikidata_id="",
                ),
            )
