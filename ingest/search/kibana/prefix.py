"""Puts the prefix of the index before all that a pack names, so that two archives can share a Kibana."""

from __future__ import annotations

import json


def with_prefix(pack: str, prefix: str) -> str:
    """Give the pack over the aliases of this prefix, with ids of its own.

    Errors: ValueError for a line that is no JSON.
    """
    if not prefix:
        return pack
    lines = []
    for line in pack.splitlines():
        if not line.strip():
            continue
        saved = json.loads(line)
        saved["id"] = prefix + saved["id"]
        for reference in saved.get("references", []):
            reference["id"] = prefix + reference["id"]
        if saved["type"] == "index-pattern":
            saved["attributes"]["title"] = prefix + saved["attributes"]["title"]
        else:
            saved["attributes"]["title"] = f"{saved['attributes']['title']} ({prefix[:-1]})"
        lines.append(json.dumps(saved, ensure_ascii=False, separators=(",", ":")) + "\n")
    return "".join(lines)
