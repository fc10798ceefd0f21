"""Reads config/sites.yml: what is peculiar to single sites."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from ingest.errors import ConfigError, ConfigFault
from ingest.identity import host_of, registrable_domain
from ingest.settings import site_rules
from ingest.settings.faults import checked
from ingest.settings.options import Options
from ingest.settings.site_rules import SiteRules, matching, rules_of
from ingest.settings.yaml_file import YamlFile, read_yaml

#: Keys that hold for requests, whose turns are those of a registrable domain.
_OF_DOMAINS = ("gap_seconds", "poll_share", "platform")


class SiteOptions(site_rules.SiteExtraction):
    """One domain or host under `sites`."""

    gap_seconds: float | None = Field(
        None,
        ge=0,
        description="between two requests to this domain, never of a single host; empty takes fetching's",
    )
    poll_share: float | None = Field(
        None,
        gt=0,
        le=0.9,
        description="of the turns at this domain that are polls; the rest are pages. Empty is 0.1: raise it for one with hundreds of feeds",
    )
    platform: bool = Field(
        False,
        description="hosts the sites of others: its addresses keep the gap too, whatever the domain of the site asked there",
    )
    tracking_parameters: tuple[str, ...] = Field(
        (), description="cut from the links of this domain too; a name ending in * is a beginning"
    )


class Sites(Options):
    """All of config/sites.yml; a missing file says nothing."""

    tracking_parameters: tuple[str, ...] = Field(
        (), description="cut from the links of every site, beside the ones known"
    )
    sites: dict[str, SiteOptions] = Field(
        {}, description="registrable domain or host → its options"
    )

    def gaps(self) -> dict[str, float]:
        """Return the gaps of single domains, in seconds."""
        return {
            domain: site.gap_seconds
            for domain, site in self.sites.items()
            if site.gap_seconds is not None
        }

    def poll_shares(self) -> dict[str, float]:
        """Return the shares of single domains that are polls."""
        return {
            domain: site.poll_share
            for domain, site in self.sites.items()
            if site.poll_share is not None
        }

    def platforms(self) -> tuple[str, ...]:
        """Return the domains of hosting platforms."""
        return tuple(domain for domain, site in self.sites.items() if site.platform)

    def tracking_of(self, url: str) -> tuple[str, ...]:
        """Return the further tracking parameters to cut from this URL, in lower case."""
        names = self.tracking_parameters
        for name in matching(self.sites, url):
            names += self.sites[name].tracking_parameters
        return tuple(name.lower() for name in names)

    def rules_of(self, url: str) -> SiteRules:
        """Return the rules of extraction for the page at this address."""
        return rules_of(self.sites, url)


def read_sites(path: Path) -> tuple[Sites, list[ConfigFault]]:
    """Return the sites of this file and everything wrong with it; nothing when it is missing."""
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
    """Return what is wrong with the name of a block, and with gaps for less than a domain."""
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
