"""The pack about the feeds: their health, and since when."""

from __future__ import annotations

from typing import Final

from .panels import (
    Chart,
    Dashboard,
    DataView,
    Metric,
    Place,
    SavedSearch,
    Values,
    number,
)

#: One record a feed, as it stands now: no field of time, so no range hides a feed.
FEEDS: Final = DataView(id="news-feeds", alias="news-feeds", name="News feeds", time_field="")

_FEEDS: Final = Metric("Feeds")
_ILL: Final = 'state: "failing" or state: "gone" or state: "robots"'


def _table(
    id: str, title: str, by: Values, metric: Metric, query: str = "", about: str = ""
) -> Chart:
    return Chart(
        id=f"news-feeds-{id}",
        title=title,
        shape="table",
        by=by,
        metric=metric,
        query=query,
        description=about,
    )


_BY_FEED: Final = Values("Feed", "feed_id", 15)

TO_LOOK_AT: Final = SavedSearch(
    id="news-feeds-to-look-at",
    title="Feeds to look at",
    description="All that are not well, those asked last first; why stands in the text of the error.",
    columns=(
        "feed_id", "publisher", "state", "last_error_class", "last_error_text", "last_status",
        "failing_since_at", "last_success_at", "next_poll_at", "next_poll_reason",
    ),
    newest_by="updated_at",
    query=_ILL,
)  # fmt: skip

LAYOUTS: Final = SavedSearch(
    id="news-feeds-layouts",
    title="Feeds whose sites changed their layout",
    description="What is missing now on pages that had it before: the site's rules want a look.",
    columns=("feed_id", "publisher", "layout_alarms", "last_success_at"),
    newest_by="updated_at",
    query="layout_alarms: *",
)

FEED_HEALTH: Final = Dashboard(
    id="news-feed-health",
    title="Feed health",
    description="How each feed stands now: polls, failures, freshness, items probably missed.",
    view=FEEDS,
    places=(
        Place(number("news-feeds-count", "Feeds", _FEEDS), 0, 0, 10, 6),
        Place(number("news-feeds-ill", "Not well", _FEEDS, _ILL, "Failing, gone, or refused by robots.txt."), 10, 0, 10, 6),
        Place(
            number("news-feeds-entries", "Entries a day", Metric("Entries a day", "sum", "entries_per_day")),
            20, 0, 10, 6,
        ),
        Place(
            number(
                "news-feeds-freshness", "Freshness, median (s)",
                Metric("Seconds", "median", "freshness_seconds"), "",
                "From publication, as feeds date it, to our first sight; median of the feeds' medians.",
            ),
            30, 0, 9, 6,
        ),
        Place(
            number(
                "news-feeds-overflows", "Overflows in a day", Metric("Overflows", "sum", "overflows_a_day"), "",
                "Polls in which every entry was new: items were probably missed in between.",
            ),
            39, 0, 9, 6,
        ),
        Place(
            Chart(
                id="news-feeds-states",
                title="Feeds by state",
                shape="ring",
                by=Values("State", "state", 10),
                metric=_FEEDS,
            ),
            0, 6, 16, 14,
        ),
        Place(
            Chart(
                id="news-feeds-errors",
                title="Failures by class",
                shape="bars",
                by=Values("Class", "last_error_class", 15),
                metric=_FEEDS,
                query=_ILL,
            ),
            16, 6, 16, 14,
        ),
        Place(
            Chart(
                id="news-feeds-formats",
                title="Feeds by format",
                shape="ring",
                by=Values("Format", "format", 10, has_rest=True),
                metric=_FEEDS,
            ),
            32, 6, 16, 14,
        ),
        Place(
            _table("worst", "Worst by failures", _BY_FEED, Metric("Score", "average", "failure_score"), _ILL),
            0, 20, 16, 16,
        ),
        Place(
            _table(
                "overflowing", "Items probably missed", _BY_FEED,
                Metric("Overflows", "sum", "window_overflow_count"), "window_overflow_count > 0",
                "How often every entry was new, since the feed is known.",
            ),
            16, 20, 16, 16,
        ),
        Place(
            _table(
                "busiest", "Entries a day by publisher", Values("Publisher", "publisher", 15),
                Metric("Entries a day", "sum", "entries_per_day"),
            ),
            32, 20, 16, 16,
        ),
        Place(
            _table(
                "slowest", "Seconds to first sight", _BY_FEED,
                Metric("Seconds", "average", "freshness_p95_seconds"), "freshness_p95_seconds >= 0",
                "95 % of a feed's latest entries were seen within this time.",
            ),
            0, 36, 24, 16,
        ),
        Place(
            _table(
                "rare", "Seconds between polls", _BY_FEED,
                Metric("Seconds", "average", "interval_seconds"), 'not state: "disabled"',
            ),
            24, 36, 24, 16,
        ),
        Place(TO_LOOK_AT, 0, 52, 48, 18),
        Place(LAYOUTS, 0, 70, 48, 12),
    ),
)  # fmt: skip
