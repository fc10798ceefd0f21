"""Names of the indexes, aliases and templates."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_MONTH = re.compile(r"(\d{4})\.(\d{2})")


class IndexNames:
    """Every name in the engine, with the prefix of the configuration before it.

    An index `news-documents-2026.11-r1` lies behind the alias `news-documents-2026.11`, and all
    months behind the filtered alias `news-documents`. Source: elasticsearch.md §2.1.
    """

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        #: The read alias over all months; its filter hides tombstones.
        self.documents = f"{prefix}news-documents"
        self._alias_of_a_month = re.compile(re.escape(self.documents) + r"-(\d{4}\.\d{2})$")
        self._index_of_a_month = re.compile(re.escape(self.documents) + r"-\d{4}\.\d{2}-r\d+$")

    def of(self, name: str) -> str:
        """Give an index, alias or template name with the prefix."""
        return self.prefix + name

    def month_alias(self, at: datetime) -> str:
        """Give the alias of the month (UTC) that a time lies in."""
        return f"{self.documents}-{at.astimezone(UTC):%Y.%m}"

    def is_month_alias(self, name: str) -> bool:
        return self._alias_of_a_month.match(name) is not None

    def is_month_index(self, name: str) -> bool:
        return self._index_of_a_month.match(name) is not None

    def end_of_month(self, alias: str) -> datetime:
        """Give the first moment after the month of this alias, in UTC."""
        found = _MONTH.search(alias.removeprefix(self.documents))
        if found is None:
            raise ValueError(f"{alias} is no month's alias")
        return next_month(datetime(int(found[1]), int(found[2]), 1, tzinfo=UTC))


def first_of_month(at: datetime) -> datetime:
    """Give the first moment of the month (UTC) that a time lies in."""
    return at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def next_month(at: datetime) -> datetime:
    """Give the first moment of the month (UTC) after a time's."""
    first = first_of_month(at)
    year, month = (first.year + 1, 1) if first.month == 12 else (first.year, first.month + 1)
    return first.replace(year=year, month=month)


def previous_month(at: datetime) -> datetime:
    """Give the first moment of the month (UTC) before a time's."""
    first = first_of_month(at)
    year, month = (first.year - 1, 12) if first.month == 1 else (first.year, first.month - 1)
    return first.replace(year=year, month=month)
