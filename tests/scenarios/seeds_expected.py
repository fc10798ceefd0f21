"""What must come out of seeds/, and how it is held against an installation."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
from ruamel.yaml import YAML

from tests.scenarios.harness import ROOT, Installation

SEEDS = ROOT / "seeds"
ENTITY_TYPES = ("person", "organisation", "place")
#: The built-in engine knows no name by heart: a few may be missed, most may not.
LEAST_SHARE_FOUND = 0.85


def expected() -> dict[str, dict[str, Any]]:
    """Return what expected.yml of each site says, by URL, with publisher and language."""
    found = {}
    for path in sorted(SEEDS.glob("*/expected.yml")):
        site = YAML(typ="safe").load(path.with_name("site.yml"))
        for document in YAML(typ="safe").load(path)["documents"]:
            found[document["url"]] = {"publisher": site["publisher"], **document}
    return found


def names_of(wanted: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the entities that a document must hold, as type and name."""
    return [(type, name) for type in ENTITY_TYPES for name in wanted.get(type, ())]


def shown(installation: Installation, ids: list[str]) -> dict[str, Any]:
    """Return everything known of each document, by id, as `show --json` gives it."""
    found = {}
    with installation.index() as index:
        for id in ids:
            document = index.get(id)
            assert document is not None
            found[id] = msgspec.json.decode(msgspec.json.encode(document))
    assert installation.command("show", ids[0], "--json").json() == found[ids[0]]
    return found


def assert_documents(installation: Installation) -> None:
    """Every expected document is found once, with its words; most of its entities too."""
    wanted = expected()
    answer = installation.search("*", "--size", "100")
    by_url = {hit["url"]: hit for hit in answer["hits"]}
    assert answer["total"] == len(answer["hits"]) == len(wanted)
    assert set(by_url) == set(wanted)
    documents = shown(installation, [hit["id"] for hit in by_url.values()])
    missed = []
    for url, one in wanted.items():
        hit, document = by_url[url], documents[by_url[url]["id"]]
        assert (hit["title"], hit["language"]) == (one["title"], one["language"])
        assert hit["publisher"] == one["publisher"]
        assert document["content_source"] == one["content_source"]
        assert document.get("authors", []) == one.get("authors", document.get("authors", []))
        assert document["text"]
        assert {"url_canonical", "first_seen_at", "fetched_at", "indexed_at"} <= set(document)
        there = {
            (detail["type"], form)
            for detail in document["entity_details"]
            for form in (detail["name"], *detail["forms"])
        }
        missed += [(url, *name) for name in names_of(one) if name not in there]
    total = sum(len(names_of(one)) for one in wanted.values())
    print(f"{total - len(missed)} of {total} entities found; missed:", *missed, sep="\n  ")
    assert len(missed) <= total * (1 - LEAST_SHARE_FOUND)


def assert_facets(installation: Installation) -> None:
    """Each facet counts the documents that hold the value."""
    answer = installation.search("*", "--size", "100")
    facets = {
        name: {one["value"]: one["count"] for one in values}
        for name, values in answer["facets"].items()
    }
    hits = answer["hits"]
    assert facets["publisher"] == Counter(hit["publisher"] for hit in hits)
    assert facets["language"] == Counter(hit["language"] for hit in hits)
    for type in ENTITY_TYPES:
        counted = Counter(
            name
            for hit in hits
            for name in {one["name"] for one in hit["entities"] if one["type"] == type}
        )
        values = answer["facets"][type]
        assert [one["count"] for one in values] == sorted(
            (one["count"] for one in values), reverse=True
        )
        assert len(values) == min(10, len(counted))
        assert facets[type].items() <= counted.items()
        assert values[0]["count"] == counted.most_common(1)[0][1]


def assert_shape(answer: dict[str, Any]) -> None:
    """The answer of `search --json` has the shape that was promised, exactly."""
    assert set(answer) == {"total", "hits", "facets"}
    assert isinstance(answer["total"], int)
    assert set(answer["facets"]) == {"person", "organisation", "place", "publisher", "language"}
    for values in answer["facets"].values():
        assert all(set(one) == {"value", "count"} for one in values)
    for hit in answer["hits"]:
        assert set(hit) == {
            "id", "title", "url", "publisher", "language", "published_at", "first_seen_at",
            "score", "snippet", "entities",
        }  # fmt: skip
        assert len(hit["id"]) == 32
        assert hit["first_seen_at"].endswith(("Z", "+00:00"))
        assert isinstance(hit["score"], float)
        for entity in hit["entities"]:
            assert set(entity) == {"type", "id", "name", "count"}
            assert entity["type"] in ENTITY_TYPES
            assert entity["count"] >= 1
