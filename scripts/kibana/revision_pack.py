"""The pack about what publishers changed in texts already published."""

from __future__ import annotations

from typing import Final

from .panels import (
    Chart,
    Dashboard,
    DataView,
    Dates,
    Metric,
    Place,
    SavedSearch,
    Values,
    number,
)

REVISIONS: Final = DataView(
    id="news-revisions", alias="news-revisions", name="News revisions", time_field="changed_at"
)

_CHANGES: Final = Metric("Changes")


LATEST: Final = SavedSearch(
    id="news-revisions-latest",
    title="Latest changes",
    description="Sentences that came and went, and the title before and after.",
    columns=(
        "publisher",
        "title_before",
        "title_after",
        "removed",
        "added",
        "changed_share",
        "url",
    ),
    newest_by="changed_at",
)

CHANGES: Final = Dashboard(
    id="news-changes",
    title="What changed",
    description="Published texts that publishers changed: when, whose, how much. Live blogs are left out.",
    view=REVISIONS,
    places=(
        Place(number("news-revisions-count", "Changes", _CHANGES), 0, 0, 12, 6),
        Place(
            number("news-revisions-documents", "Documents changed", Metric("Documents", "unique_count", "document_id")),
            12, 0, 12, 6,
        ),
        Place(number("news-revisions-titles", "With a new title", _CHANGES, "has_new_title: true"), 24, 0, 12, 6),
        Place(
            number(
                "news-revisions-large", "Large changes", _CHANGES, "changed_share >= 0.2",
                "A fifth of both texts together, or more, is not in the other one.",
            ),
            36, 0, 12, 6,
        ),
        Place(
            Chart(
                id="news-revisions-by-time",
                title="Changes by time and publisher",
                shape="columns",
                by=Dates("Changed", "changed_at"),
                split=Values("Publisher", "publisher", 10, has_rest=True),
                metric=_CHANGES,
            ),
            0, 6, 32, 14,
        ),
        Place(
            Chart(
                id="news-revisions-publishers",
                title="Publishers by changes",
                shape="bars",
                by=Values("Publisher", "publisher", 15),
                metric=_CHANGES,
            ),
            32, 6, 16, 14,
        ),
        Place(LATEST, 0, 20, 48, 24),
    ),
)  # fmt: skip
