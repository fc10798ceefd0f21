"""Reads the lists of names in config/watches.yml."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ingest.errors import ConfigError, ConfigFault
from ingest.settings.faults import checked
from ingest.settings.yaml_file import YamlFile, read_yaml
from processors.merge_mentions.normal import slug

Case = Literal["capitals", "exact", "any"]
Kind = Literal["person", "organisation", "place"]


class _Block(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WatchedName(_Block):
    """One entity of a list."""

    name: str = Field(min_length=2, description="the name to show")
    id: str = Field("", description="entity id; derived from type and name if empty")
    aliases: list[str] = Field([], description="other names of the same entity")
    wikidata_id: str = Field("", pattern=r"^(Q\d+)?$", description="Wikidata id, for example Q42")
    case: Case | None = Field(None, description="overrides the list's rule")
    language: str | None = Field(None, description="overrides the list's language")


class NameList(_Block):
    """One list of names."""

    name: str = Field(min_length=1, description="name of the list, stored with each hit")
    type: Kind = Field(description="person, organisation or place")
    language: str = Field("", description="match only documents in this language; all if empty")
    case: Case = Field(
        "capitals",
        description="capitals: as written or in all capitals; exact: as written; any: in any case",
    )
    names: list[WatchedName | str] = Field([], description="entities, or just their names")


class Lists(_Block):
    """All of config/watches.yml; match_watchlists reads the lists."""

    lists: list[NameList] = Field([], description="lists of names to match in every document")
    watches: list[object] | dict[str, object] | None = Field(
        None, description="reserved for saved searches; not used yet"
    )


class WatchedEntity(_Block):
    """One entity with all that its list says of it."""

    list: str
    type: Kind
    name: str
    id: str
    forms: tuple[str, ...]
    wikidata_id: str = ""
    case: Case = "capitals"
    language: str = ""


def read_lists(config_folder: Path) -> list[WatchedEntity]:
    """Return the entities of all lists in order; [] when there is no such file.

    Errors: ConfigError with everything that is wrong.
    """
    path = config_folder / "watches.yml"
    if not path.exists():
        return []
    file = read_yaml(path)
    if file.data.get("lists") is None:
        file.data["lists"] = []
    found, faults = _watched(checked(file, Lists), file)
    if faults:
        raise ConfigError(faults)
    return found


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
                        "use another id for one of them, or the same name",
                    )
                )
            found.append(
                WatchedEntity(
                    list=block.name,
                    type=block.type,
                    name=entry.name,
                    id=id,
                    forms=tuple(dict.fromkeys((entry.name, *entry.aliases))),
                    wikidata_id=entry.wikidata_id,
                    case=entry.case or block.case,
                    language=block.language if entry.language is None else entry.language,
                )
            )
    return found, faults
