"""The packs that are shipped, and what an analyst sees first."""

from __future__ import annotations

from typing import Final

from .feed_pack import FEED_HEALTH
from .panels import (
    Chart,
    Dashboard,
    DataView,
    Dates,
    Metric,
    Place,
    PointsMap,
    SavedSearch,
    Values,
    number,
)
from .revision_pack import CHANGES

DOCUMENTS: Final = DataView(
    id="news-documents",
    alias="news-documents",
    name="News documents",
    time_field="published_at",
)

_DOCUMENTS: Final = Metric("Documents")


def _top(id: str, title: str, field: str) -> Chart:
    return Chart(
        id=f"news-{id}",
        title=title,
        shape="table",
        by=Values(title, field, 15),
        metric=_DOCUMENTS,
    )


NEWEST: Final = SavedSearch(
    id="news-newest",
    title="Newest documents",
    description="By the time they became searchable, so that late articles are not missed.",
    columns=("title", "publisher", "language", "entities.person", "entities.place", "summary"),
    newest_by="indexed_at",
)

OVERVIEW: Final = Dashboard(
    id="news-overview",
    title="News overview",
    description="What came in, who published it, and whom, what and where it names.",
    view=DOCUMENTS,
    places=(
        Place(number("news-count", "Documents", _DOCUMENTS), 0, 0, 12, 6),
        Place(
            number("news-publishers", "Publishers", Metric("Publishers", "unique_count", "publisher")),
            12, 0, 12, 6,
        ),
        Place(
            number("news-people", "People named", Metric("People", "unique_count", "entities.person")),
            24, 0, 12, 6,
        ),
        Place(
            number(
                "news-without-page", "Without the page's text", _DOCUMENTS,
                'content_source: "feed" or extraction.is_short: true',
                "Known by what the feed says alone, or hardly any text: blocked, paid or empty pages.",
            ),
            36, 0, 12, 6,
        ),
        Place(
            Chart(
                id="news-by-time",
                title="Documents by time and publisher",
                shape="columns",
                by=Dates("Published", "published_at"),
                split=Values("Publisher", "publisher", 10, has_rest=True),
                metric=_DOCUMENTS,
            ),
            0, 6, 48, 14,
        ),
        Place(
            Chart(
                id="news-top-publishers",
                title="Publishers by documents",
                shape="bars",
                by=Values("Publisher", "publisher", 15),
                metric=_DOCUMENTS,
            ),
            0, 20, 24, 14,
        ),
        Place(
            Chart(
                id="news-languages",
                title="Languages",
                shape="ring",
                by=Values("Language", "language", 12, has_rest=True),
                metric=_DOCUMENTS,
            ),
            24, 20, 24, 14,
        ),
        Place(_top("top-people", "People", "entities.person"), 0, 34, 16, 16),
        Place(_top("top-organisations", "Organisations", "entities.organisation"), 16, 34, 16, 16),
        Place(_top("top-places", "Places", "entities.place"), 32, 34, 16, 16),
        Place(
            PointsMap(
                id="news-places-map",
                title="Places that are named",
                description="Towns and regions, each document once in each; whole countries are left out.",
                field="geo.points",
            ),
            0, 50, 48, 18,
        ),
        Place(NEWEST, 0, 68, 48, 20),
    ),
)  # fmt: skip

#: File in config/kibana/ → dashboard.
PACKS: Final = {
    "news-feeds.ndjson": FEED_HEALTH,
    "news-overview.ndjson": OVERVIEW,
    "news-revisions.ndjson": CHANGES,
}
