"""Months that are not kept are forgotten once a day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingest.adapters.sqlite_index import SqliteIndex
from ingest.pipeline.indexing.indexer import IndexWork, oldest_kept
from ingest.ports import IndexWrite
from ingest.settings.options import IndexOptions
from tests.builders import an_indexed_document


@pytest.mark.parametrize(
    ("now", "months", "expected"),
    [
        (datetime(2026, 11, 22, tzinfo=UTC), 1, datetime(2026, 10, 1, tzinfo=UTC)),
        (datetime(2026, 1, 5, tzinfo=UTC), 1, datetime(2025, 12, 1, tzinfo=UTC)),
        (datetime(2026, 3, 31, tzinfo=UTC), 15, datetime(2024, 12, 1, tzinfo=UTC)),
    ],
)
def test_the_running_month_and_so_many_before_it_are_kept(
    now: datetime, months: int, expected: datetime
) -> None:
    assert oldest_kept(now, months) == expected


def test_the_embedded_index_forgets_what_is_older(tmp_path: Path) -> None:
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    clock: Callable[[], datetime] = lambda: now  # noqa: E731
    index = SqliteIndex(tmp_path / "index.db", IndexOptions(), clock=clock)
    old = an_indexed_document(id="a" * 32, first_seen_at=now - timedelta(days=80))
    new = an_indexed_document(id="b" * 32, first_seen_at=now - timedelta(days=3))
    index.put([IndexWrite(old), IndexWrite(new)])
    IndexWork(index, clock, retention_months=0).process([])
    assert index.get("a" * 32) is not None
    IndexWork(index, clock, retention_months=1).process([])
    assert index.get("a" * 32) is None
    assert index.get("b" * 32) is not None
    index.close()
