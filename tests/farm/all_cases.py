"""All cases in the order of their numbers; importing this enters them."""

from __future__ import annotations

from tests.farm import caching, safety, status, transfer
from tests.farm.case import CASES

PARTS = (caching, status, transfer, safety)
CASES.sort(key=lambda one: one.number)
