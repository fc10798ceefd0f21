"""Reads config/sites.yml, the options of single sites, and reloads it when it changes."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from pydantic import Field

from ingest.errors import ConfigError, ConfigFault
from ingest.identity import host_of, registrable_domain
from ingest.settings import site_rules
from ingest.settings.faults import checked
from ingest.settings.options import Options
from ingest.settings.site_rules import SiteRules, matching, rules_of
from ingest.settings.yaml_file import YamlFile, read_yaml, stamp_of
from ingest.telemetry import Event

CHECK_SECONDS = 1.0

sites_loaded = Event("sites_loaded")
sites_fault = Event("sites_fault", level="error")
sites_refused = Event("sites_refused", level="error")

#: Keys that apply to a whole registrable domain, which is what requests are spaced by.
_OF_DOMAINS = ("gap_seconds", "poll_share", "platform")


class SiteOptions(site_rules.SiteExtraction):
    """One domain or host under `sites`."""

    gap_seconds: float | None = Field(
        None,
        ge=0,
        description="minimum time between two requests to this domain (not for single hosts); `fetching.gap_seconds` if empty",
    )
    poll_share: float | None = Field(
        None,
        gt=0,
        le=0.9,
        description="share of the requests to this domain that may be polls; the rest are pages. 0.1 if empty; raise it for a domain with hundreds of feeds",
    )
    platform: bool = Field(
        False,
        description="this domain hosts other sites: the gap also applies per IP address, whatever domain is requested there",
    )
    tracking_parameters: tuple[str, ...] = Field(
        (), description="query parameters to remove from its links too; `name*` is a prefix"
    )


class Sites(Options):
    """All of config/sites.yml; a missing file sets nothing."""

    tracking_parameters: tuple[str, ...] = Field(
        (), description="query parameters to remove from all links, besides the known ones"
    )
    sites: dict[str, SiteOptions] = Field({}, description="registrable domain or host → options")

    def gaps(self) -> dict[str, float]:
        """Return the gaps of single domains, in seconds."""
        return self._given("gap_seconds")

    def poll_shares(self) -> dict[str, float]:
        """Return the share of polls for single domains."""
        return self._given("poll_share")

    def _given(self, option: str) -> dict[str, float]:
        values = {domain: getattr(site, option) for domain, site in self.sites.items()}
        return {domain: value for domain, value in values.items() if value is not None}

    def platforms(self) -> tuple[str, ...]:
        """Return the domains of hosting platforms."""
        return tuple(domain for domain, site in self.sites.items() if site.platform)

    def tracking_of(self, url: str) -> tuple[str, ...]:
        """Return the additional tracking parameters to remove from this URL, in lower case."""
        names = self.tracking_parameters
        for name in matching(self.sites, url):
            names += self.sites[name].tracking_parameters
        return tuple(name.lower() for name in names)

    def rules_of(self, url: str) -> SiteRules:
        """Return the extraction rules for the page at this address."""
        return rules_of(self.sites, url)


def read_sites(path: Path) -> tuple[Sites, list[ConfigFault]]:
    """Return the sites of this file and its faults; none of both when it is missing."""
    if not path.exists():
        return Sites(), []
    try:
        file = read_yaml(path)
    except ConfigError as error:
        return Sites(), error.faults
    blocks = file.data.get("sites")
    named = blocks.items() if isinstance(blocks, dict) else ()
    faults = [fault for name, block in named for fault in _faults(file, name, block)]
    try:
        return checked(file, Sites), faults
    except ConfigError as error:
        return Sites(), error.faults + faults


def _faults(file: YamlFile, name: str, block: object) -> list[ConfigFault]:
    """Return the faults of a block's name, and of options that a single host cannot have."""
    domain = registrable_domain(name)
    if not domain or host_of(name) != name:
        remedy = f"write {host_of(name) or 'a domain such as news.example'}"
        return [file.fault(("sites", name), name, "is not a domain or host in lower case", remedy)]
    if not isinstance(block, dict) or name == domain:
        return []
    reason = "this is kept to a whole domain, not to one of its hosts"
    return [
        file.fault(("sites", name, key), block[key], reason, f"write it under {domain}")
        for key in _OF_DOMAINS
        if block.get(key) is not None
    ]


class LiveSites:
    """Returns the rules of a page; checks at most once a second whether the file has changed.

    A file with a fault is refused whole: each fault is logged, and the last good rules stay in use.
    A file that is gone sets nothing.
    """

    def __init__(
        self, path: Path, sites: Sites, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self._sites = sites
        self._monotonic = monotonic
        self._checked_at = monotonic()
        # The first check always reloads, since the file may have changed after `sites` was read.
        self._seen: object = "not yet"

    def rules_of(self, url: str) -> SiteRules:
        """Return the rules for the page at this address. Errors: none."""
        return self.sites.rules_of(url)

    @property
    def sites(self) -> Sites:
        """The last valid content of the file."""
        now = self._monotonic()
        if self._seen == "not yet" or now - self._checked_at >= CHECK_SECONDS:
            self._checked_at = now
            seen = stamp_of(self._path)
            if seen != self._seen:
                self._seen = seen
                self._reload()
        return self._sites

    def _reload(self) -> None:
        sites, faults = read_sites(self._path)
        for fault in faults:
            sites_fault(**fault._asdict())
        if faults:
            sites_refused(
                faults=len(faults), remedy="fix the file; the last good rules stay in use"
            )
        elif sites != self._sites:
            self._sites = sites
            sites_loaded(sites=len(sites.sites))
