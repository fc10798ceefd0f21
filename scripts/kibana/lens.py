"""Writes the state of one Lens chart.

The shapes are those of Lens saved objects of version 8.9.0, which later Kibanas migrate.
"""

from __future__ import annotations

from typing import Any, assert_never

from .panels import Chart, Dates, Metric, Values

Json = dict[str, Any]

LAYER = "layer"
_BY, _SPLIT, _METRIC = "by", "split", "metric"


def lens_attributes(chart: Chart) -> Json:
    """Return the attributes of the saved object of a chart."""
    columns: Json = {}
    if chart.by is not None:
        columns[_BY] = _bucket(chart.by)
    if chart.split is not None:
        columns[_SPLIT] = _bucket(chart.split)
    columns[_METRIC] = _metric(chart.metric)
    kind, visualization = _visualization(chart)
    layer = {
        "columnOrder": list(columns),
        "columns": columns,
        "incompleteColumns": {},
        "sampling": 1,
    }
    return {
        "title": chart.title,
        "description": chart.description,
        "visualizationType": kind,
        "state": {
            "adHocDataViews": {},
            "datasourceStates": {"formBased": {"layers": {LAYER: layer}}},
            "filters": [],
            "internalReferences": [],
            "query": {"language": "kuery", "query": chart.query},
            "visualization": visualization,
        },
    }


def _bucket(bucket: Dates | Values) -> Json:
    if isinstance(bucket, Dates):
        return {
            "label": bucket.label,
            "customLabel": True,
            "dataType": "date",
            "isBucketed": True,
            "operationType": "date_histogram",
            "scale": "interval",
            "sourceField": bucket.field,
            "params": {"interval": "auto", "includeEmptyRows": True, "dropPartials": False},
        }
    return {
        "label": bucket.label,
        "customLabel": True,
        "dataType": "string",
        "isBucketed": True,
        "operationType": "terms",
        "scale": "ordinal",
        "sourceField": bucket.field,
        "params": {
            "size": bucket.size,
            "orderBy": {"type": "column", "columnId": _METRIC},
            "orderDirection": "desc",
            "otherBucket": bucket.has_rest,
            "missingBucket": False,
            "parentFormat": {"id": "terms"},
        },
    }


def _metric(metric: Metric) -> Json:
    params: Json = {"emptyAsNull": metric.operation not in ("count", "unique_count")}
    if metric.operation == "percentile":
        params["percentile"] = metric.percentile
    return {
        "label": metric.label,
        "customLabel": True,
        "dataType": "number",
        "isBucketed": False,
        "operationType": metric.operation,
        "scale": "ratio",
        "sourceField": metric.field,
        "params": params,
    }


def _visualization(chart: Chart) -> tuple[str, Json]:
    match chart.shape:
        case "number":
            return "lnsMetric", {
                "layerId": LAYER,
                "layerType": "data",
                "metricAccessor": _METRIC,
            }
        case "columns":
            return "lnsXY", _axes(chart, "bar_stacked")
        case "bars":
            return "lnsXY", _axes(chart, "bar_horizontal")
        case "ring":
            return "lnsPie", _ring()
        case "table":
            shown = [_BY, *([_SPLIT] if chart.split else []), _METRIC]
            return "lnsDatatable", {
                "layerId": LAYER,
                "layerType": "data",
                "columns": [{"columnId": name, "isTransposed": False} for name in shown],
                "sorting": {"columnId": _METRIC, "direction": "desc"},
                "rowHeight": "single",
                "headerRowHeight": "single",
            }
    assert_never(chart.shape)


def _axes(chart: Chart, series: str) -> Json:
    layer: Json = {
        "layerId": LAYER,
        "layerType": "data",
        "seriesType": series,
        "accessors": [_METRIC],
        "xAccessor": _BY,
        "position": "top",
        "showGridlines": False,
    }
    if chart.split is not None:
        layer["splitAccessor"] = _SPLIT
    shown = {"x": True, "yLeft": True, "yRight": True}
    return {
        "layers": [layer],
        "preferredSeriesType": series,
        "legend": {"isVisible": chart.split is not None, "position": "right"},
        "valueLabels": "hide",
        "fittingFunction": "None",
        "axisTitlesVisibilitySettings": {"x": False, "yLeft": False, "yRight": False},
        "tickLabelsVisibilitySettings": shown,
        "gridlinesVisibilitySettings": shown,
        "labelsOrientation": {"x": 0, "yLeft": 0, "yRight": 0},
    }


def _ring() -> Json:
    layer = {
        "layerId": LAYER,
        "layerType": "data",
        "primaryGroups": [_BY],
        "metrics": [_METRIC],
        "numberDisplay": "percent",
        "categoryDisplay": "default",
        "legendDisplay": "default",
        "nestedLegend": False,
    }
    return {"shape": "donut", "layers": [layer]}
