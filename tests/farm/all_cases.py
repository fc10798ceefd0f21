"""All cases in the order of their numbers; importing this enters them."""

from __future__ import annotations

from tests.farm import (
    caching,
    entries,
    formats,
    malformed,
    manners,
    own_options,
    pages,
    safety,
    status,
    transfer,
)
from tests.farm.case import CASES

PARTS = (
    caching,
    status,
    transfer,
    safety,
    entries,
    pages,
    formats,
    manners,
    malformed,
    own_options,
)
CASES.sort(key=lambda one: one.number)
