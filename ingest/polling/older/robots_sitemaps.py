"""Finds the sitemaps that a robots.txt names."""

from __future__ import annotations

from ingest.identity import joined


def robots_sitemaps(robots: str, url: str) -> list[str]:
    """Give the addresses of its `Sitemap:` lines, seen from `url`, those of news first.

    Shape: absolute, each once, otherwise in their order. Errors: none.
    """
    found: dict[str, None] = {}
    for line in robots.splitlines():
        name, _, value = line.partition(":")
        if name.strip().lower() == "sitemap":
            address = joined(url, value.partition("#")[0].strip())
            if address:
                found[address] = None
    return sorted(found, key=lambda address: "news" not in address.lower())
