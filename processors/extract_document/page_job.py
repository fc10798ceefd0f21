"""What a child is given: a page, and the rules that count for its site now."""

from __future__ import annotations

from typing import NamedTuple

from ingest.model import Page
from ingest.settings.site_rules import NO_RULES, SiteRules


class PageWithRules(NamedTuple):
    """One page for a child. The rules travel with it, so that a changed file counts at once."""

    page: Page
    rules: SiteRules = NO_RULES
