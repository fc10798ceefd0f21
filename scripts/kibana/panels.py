"""The words in which a dashboard is described."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

#: What counts documents instead of reading a field.
RECORDS = "___records___"

Operation: TypeAlias = Literal["count", "unique_count", "sum", "average", "median", "percentile"]


class Metric(msgspec.Struct, frozen=True):
    """A number for each bucket; `percentile` is 0 to 100 and only for that operation."""

    label: str
    operation: Operation = "count"
    field: str = RECORDS
    percentile: float = 95


class Dates(msgspec.Struct, frozen=True):
    """Buckets of time; Kibana picks their width by the range that is shown."""

    label: str
    field: str


class Values(msgspec.Struct, frozen=True):
    """The `size` values of a field with the largest metric, the rest as one if wanted."""

    label: str
    field: str
    size: int = 10
    has_rest: bool = False


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """One Lens chart: a metric, or a metric by one or two kinds of buckets.

    `query` is KQL and narrows the documents.
    """

    id: str
    title: str
    shape: Literal["number", "columns", "bars", "ring", "table"]
    metric: Metric
    by: Dates | Values | None = None
    split: Values | None = None
    query: str = ""
    description: str = ""


class PointsMap(msgspec.Struct, frozen=True, kw_only=True):
    """A map with the documents clustered by a field of points, without a base map."""

    id: str
    title: str
    field: str
    description: str = ""


class SavedSearch(msgspec.Struct, frozen=True, kw_only=True):
    """A table of documents; `newest_by` is the date field that orders them."""

    id: str
    title: str
    columns: tuple[str, ...]
    newest_by: str
    query: str = ""
    description: str = ""


Item: TypeAlias = Chart | PointsMap | SavedSearch


class DataView(msgspec.Struct, frozen=True, kw_only=True):
    """An alias of the index with the field that tells its time.

    Without one (`""`) all of it is shown whatever the range: what says how things stand now.
    """

    id: str
    alias: str
    name: str
    time_field: str


class Place(msgspec.Struct, frozen=True):
    """Where an item stands on the grid: 48 columns wide, rows of about 20 pixels."""

    item: Item
    x: int
    y: int
    width: int
    height: int


class Dashboard(msgspec.Struct, frozen=True, kw_only=True):
    """Items of one data view on a grid; `shown` is the range of time it opens with."""

    id: str
    title: str
    description: str
    view: DataView
    places: tuple[Place, ...]
    shown: str = "now-7d"


def number(id: str, title: str, metric: Metric, query: str = "", about: str = "") -> Chart:
    """Return a chart that is one number."""
    return Chart(id=id, title=title, shape="number", metric=metric, query=query, description=about)
