"""Reads config/sites.yml: what is peculiar to single sites."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, ValidationError

from ingest.errors import ConfigError, ConfigFault
from ingest.identity import registrable_domain
from ingest.settings.faults import faults_of
from ingest.settings.options import Options
from ingest.settings.yaml_file import plain, read_yaml


class SiteOptions(Options):
    """One domain under `sites`."""

    gap_seconds: float | None = Field(
        None, ge=0, description="between two requests to this domain; empty takes fetching's"
    )
    tracking_parameters: tuple[str, ...] = Field(
        (), description="cut from the links of this domain too; a name ending in * is a beginning"
    )


class Sites(Options):
    """All of config/sites.yml; a missing file says nothing."""

    tracking_parameters: tuple[str, ...] = Field(
        (), description="cut from the links of every site, beside the ones known"
    )
    sites: dict[str, SiteOptions] = Field({}, description="registrable domain → its options")

    def gaps(self) -> dict[str, float]:
        """Give the gaps of single domains, in seconds."""
        return {
            domain: site.gap_seconds
            for domain, site in self.sites.items()
            if site.gap_seconds is not None
        }

    def tracking_of(self, url: str) -> tuple[str, ...]:
        """Give the further tracking parameters to cut from this URL, in lower case."""
        site = self.sites.get(registrable_domain(url))
        names = self.tracking_parameters + (site.tracking_parameters if site else ())
        return tuple(name.lower() for name in names)


def read_sites(path: Path) -> tuple[Sites, list[ConfigFault]]:
    """Give the sites of this file and everything wrong with it; nothing when it is missing."""
    if not path.exists():
        return Sites(), []
    try:
        file = read_yaml(path)
    except ConfigError as error:
        return Sites(), error.faults
    try:
        sites = Sites.model_validate(plain(file.data))
    except ValidationError as error:
        return Sites(), faults_of(error, Sites, file)
    faults = [
        file.fault(
            ("sites", domain),
            domain,
            "is no registrable domain in lower case",
            f"write {registrable_domain(domain) or 'a domain such as news.example'}",
        )
        for domain in sites.sites
        if registrable_domain(domain) != domain
    ]
    return sites, faults
