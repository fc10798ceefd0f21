"""All cases in the order of their numbers; importing this enters them."""

from __future__ import annotations

from tests.farm import caching, entries, formats, manners, safety, status, transfer
from tests.farm.case import CASES

PARTS = (caching, status, transfer, safety, entries, formats, manners)
CASES.sort(key=lambda one: one.number)
