"""The rules of single sites as they are now: config/sites.yml, read again when it changes."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from ingest.settings.site_rules import SiteRules
from ingest.settings.sites import Sites, read_sites
from ingest.settings.yaml_file import stamp_of
from ingest.telemetry import Event

CHECK_SECONDS = 1.0

sites_loaded = Event("sites_loaded")
sites_fault = Event("sites_fault", level="error")
sites_refused = Event("sites_refused", level="error")


class LiveSites:
    """Returns the rules of a page; checks once a second whether the file has changed.

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
        # What is changed between the reading of `sites` and now is read once more at first sight.
        self._seen: object = "not yet"

    def rules_of(self, url: str) -> SiteRules:
        """Return the rules for the page at this address. Errors: none."""
        return self.sites.rules_of(url)

    @property
    def sites(self) -> Sites:
        """The last good content of the file."""
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
