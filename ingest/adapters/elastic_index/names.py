"""Names of the indexes, aliases and templates."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_MONTH = re.compile(r"(\d{4})\.(\d{2})")


class IndexNames:
    """Every name in the engine, with the prefix of the configuration before it.

    An index `news-documents-2026.11-r1` lies behind the alias `news-documents-2026.11`, and all
    months behind the filtered alias `news-documents`.
    """

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        #: The read alias over all months; its filter hides tombstones.
        self.documents = f"{prefix}news-documents"
        self._alias_of_a_month = re.compile(re.escape(self.documents) + r"-(\d{4}\.\d{2})$")
        self._index_of_a_month = re.compile(re.escape(self.documents) + r"-\d{4}\.\d{2}-r\d+$")

    def of(self, name: str) -> str:
        """Return an index, alias or template name with the prefix."""
        return self.prefix + name

    def month_alias(self, at: datetime) -> str:
        """Return the alias of the month (UTC) that a time lies in."""
        return f"{self.documents}-{at.astimezone(UTC):%Y.%m}"

    def is_month_alias(self, name: str) -> bool:
        return self._alias_of_a_month.match(name) is not None

    def is_month_index(self, name: str) -> bool:
        return self._index_of_a_month.match(name) is not None

    def end_of_month(self, alias: str) -> datetime:
        """Return the first moment after the month of this alias, in UTC."""
        found = _MONTH.search(alias.removeprefix(self.documents))
        if found is None:
            raise ValueError(f"{alias} is not the alias of a month")
        return next_month(datetime(int(found[1]), int(found[2]), 1, tzinfo=UTC))


def first_of_month(at: datetime) -> datetime:
    """Return the first moment of the month (UTC) that a time lies in."""
    return at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def next_month(at: datetime) -> datetime:
    """Return the first moment of the month (UTC) after a time's."""
    return first_of_month(first_of_month(at) + timedelta(days=31))


def previous_month(at: datetime) -> datetime:
    """Return the first moment of the month (UTC) before a time's."""
    return first_of_month(first_of_month(at) - timedelta(days=1))
