"""Writes the saved objects of a dashboard, as lines that Kibana imports.

Every member whose name ends in JSON is a text of JSON. The shapes are old ones with their old
versions, which every later Kibana migrates as it imports them.
"""

from __future__ import annotations

import json
from typing import Any, assert_never

from .lens import LAYER, lens_attributes
from .panels import Chart, Dashboard, DataView, Item, PointsMap, SavedSearch

Json = dict[str, Any]

CORE_VERSION = "8.8.0"
VERSIONS = {
    "index-pattern": "8.0.0",
    "search": "8.0.0",
    "lens": "8.9.0",
    "map": "8.4.0",
    "dashboard": "8.9.0",
}
_SOURCE = "kibanaSavedObjectMeta.searchSourceJSON.index"
_MAP_SOURCE = "layer_0_source_index_pattern"


def ndjson(dashboard: Dashboard) -> str:
    """Return the whole pack: the data view, the items in their order, the dashboard last."""
    view = dashboard.view
    objects = [
        _data_view(view),
        *(_item(place.item, view) for place in dashboard.places),
        _dashboard(dashboard),
    ]
    return "".join(_text(one, sort_keys=True) + "\n" for one in objects)


def kind_of(item: Item) -> str:
    """Return the type of the saved object of an item."""
    match item:
        case Chart():
            return "lens"
        case PointsMap():
            return "map"
        case SavedSearch():
            return "search"
    assert_never(item)


def _text(value: Any, *, sort_keys: bool = False) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=sort_keys)


def _object(kind: str, id: str, attributes: Json, references: list[Json]) -> Json:
    return {
        "id": id,
        "type": kind,
        "attributes": attributes,
        "references": references,
        "coreMigrationVersion": CORE_VERSION,
        "typeMigrationVersion": VERSIONS[kind],
    }


def _reference(name: str, kind: str, id: str) -> Json:
    return {"name": name, "type": kind, "id": id}


def _query(text: str) -> Json:
    return {"language": "kuery", "query": text}


def _data_view(view: DataView) -> Json:
    attributes = {
        "title": view.alias,
        "name": view.name,
        "fields": "[]",
        "fieldFormatMap": "{}",
        "sourceFilters": "[]",
    }
    if view.time_field:
        attributes["timeFieldName"] = view.time_field
    return _object("index-pattern", view.id, attributes, [])


def _item(item: Item, view: DataView) -> Json:
    match item:
        case Chart():
            name = f"indexpattern-datasource-layer-{LAYER}"
            attributes = lens_attributes(item)
        case PointsMap():
            name = _MAP_SOURCE
            attributes = _map(item)
        case SavedSearch():
            name = _SOURCE
            attributes = _search(item)
    references = [_reference(name, "index-pattern", view.id)]
    return _object(kind_of(item), item.id, attributes, references)


def _search(search: SavedSearch) -> Json:
    source = {"query": _query(search.query), "filter": [], "indexRefName": _SOURCE}
    return {
        "title": search.title,
        "description": search.description,
        "columns": list(search.columns),
        "sort": [[search.newest_by, "desc"]],
        "grid": {},
        "hideChart": False,
        "isTextBasedQuery": False,
        "timeRestore": False,
        "usesAdHocDataView": False,
        "kibanaSavedObjectMeta": {"searchSourceJSON": _text(source)},
    }


def _map(one: PointsMap) -> Json:
    source = {
        "type": "ES_GEO_GRID",
        "id": f"{one.id}-source",
        "geoField": one.field,
        "requestType": "point",
        "resolution": "COARSE",
        "metrics": [{"type": "count"}],
        "applyGlobalQuery": True,
        "applyGlobalTime": True,
        "applyForceRefresh": True,
        "indexPatternRefName": _MAP_SOURCE,
    }
    layer = {
        "id": f"{one.id}-layer",
        "type": "GEOJSON_VECTOR",
        "label": one.title,
        "sourceDescriptor": source,
        "style": {"type": "VECTOR", "properties": _clusters(), "isTimeAware": True},
        "joins": [],
        "alpha": 0.75,
        "minZoom": 0,
        "maxZoom": 24,
        "visible": True,
        "includeInFitToBounds": True,
    }
    state = {
        "zoom": 1.4,
        "center": {"lon": 10, "lat": 25},
        "timeFilters": {"from": "now-7d", "to": "now"},
        "refreshConfig": {"isPaused": True, "interval": 60000},
        "query": _query(""),
        "filters": [],
        "settings": {"autoFitToDataBounds": False},
    }
    return {
        "title": one.title,
        "description": one.description,
        "layerListJSON": _text([layer]),
        "mapStateJSON": _text(state),
        "uiStateJSON": _text({"isLayerTOCOpen": True, "openTOCDetails": []}),
    }


def _clusters() -> Json:
    """Return circles that grow and darken with the number of documents."""
    by_count = {
        "field": {"name": "doc_count", "origin": "source"},
        "fieldMetaOptions": {"isEnabled": True, "sigma": 3},
    }
    return {
        "fillColor": {"type": "DYNAMIC", "options": {"color": "Blues", **by_count}},
        "lineColor": {"type": "STATIC", "options": {"color": "#FFFFFF"}},
        "lineWidth": {"type": "STATIC", "options": {"size": 0}},
        "iconSize": {"type": "DYNAMIC", "options": {"minSize": 7, "maxSize": 28, **by_count}},
        "labelText": {"type": "DYNAMIC", "options": by_count},
    }


def _dashboard(dashboard: Dashboard) -> Json:
    panels, references = [], []
    for place in dashboard.places:
        kind, id = kind_of(place.item), place.item.id
        grid = {"x": place.x, "y": place.y, "w": place.width, "h": place.height, "i": id}
        panels.append(
            {
                "type": kind,
                "gridData": grid,
                "panelIndex": id,
                "embeddableConfig": {"enhancements": {}},
                "panelRefName": f"panel_{id}",
            }
        )
        references.append(_reference(f"{id}:panel_{id}", kind, id))
    options = {
        "useMargins": True,
        "syncColors": False,
        "syncCursor": True,
        "syncTooltips": False,
        "hidePanelTitles": False,
    }
    attributes = {
        "title": dashboard.title,
        "description": dashboard.description,
        "panelsJSON": _text(panels),
        "optionsJSON": _text(options),
        "kibanaSavedObjectMeta": {"searchSourceJSON": _text({"query": _query(""), "filter": []})},
        "timeRestore": True,
        "timeFrom": dashboard.shown,
        "timeTo": "now",
        "version": 1,
    }
    return _object("dashboard", dashboard.id, attributes, references)
