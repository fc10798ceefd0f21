"""Converts documents to the JSON of the engine, and back.

Values that the engine would refuse, or that would break a later reader, are cut or dropped here
and counted, so refusals are rare.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from ingest import telemetry
from ingest.errors import IndexFault
from ingest.model import ENTITY_TYPES, GeoPoint, IndexedDocument
from ingest.ports import Verdict
from ingest.ports.known import TOMBSTONE_VERSION
from ingest.terms import language_code

SCHEMA_VERSION: Final = 1
#: Fields that only the engine needs; not read back.
DERIVED_FIELDS: Final = (
    "by_language", "entity_keys", "latency", "schema_version", "enrichment.engine_list",
)  # fmt: skip

MAX_LIST_VALUES: Final = 1000
_OLDEST_DATE: Final = datetime(1990, 1, 1, tzinfo=UTC)

#: Lists of keywords and points, by their path in the document.
_LISTS: Final = (
    ("feed_ids",), ("authors",), ("agencies",), ("tags",), ("links",), ("entity_ids",),
    *(("entities", kind) for kind in ("person", "organisation", "place")),
    *(("entity_forms", kind) for kind in ("person", "organisation", "place")),
    *(("geo", name) for name in ("points", "country_points", "countries", "regions")),
    ("geo", "geoname_ids"), ("watchlist", "names"), ("enrichment", "failed"),
)  # fmt: skip
_FLOATS: Final = (
    ("language_score",), ("reading_minutes",), ("extraction", "ratio"),
    ("extraction", "milliseconds"),
)  # fmt: skip

#: Written even if they have the default, so the engine can filter and sum them.
_ALWAYS_WRITTEN: Final[dict[str, Any]] = {
    field.name: field.default
    for field in msgspec.structs.fields(IndexedDocument)
    if isinstance(field.default, (bool, int))
}

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(IndexedDocument)
#: Raised by a document that violates its own types, which a third-party processor can produce.
_UNFIT = (
    TypeError, ValueError, AttributeError, LookupError, OverflowError, RecursionError,
    msgspec.MsgspecError,
)  # fmt: skip
_dropped = telemetry.counter("index_values_dropped_total")


def encode(document: IndexedDocument, now: datetime, max_bytes: int) -> bytes | Verdict:
    """Return the JSON of one document, or the verdict that it cannot be encoded.

    `now` is the default of `indexed_at`.
    """
    try:
        data = _json(_body(document, now))
        _decoder.decode(data)  # an unreadable document would break every search that finds it
    except _UNFIT as error:
        return Verdict("refused", "bad_value", f"{type(error).__name__}: {error}")
    if len(data) > max_bytes:
        reason = f"{len(data)} bytes of JSON are over index.max_document_bytes ({max_bytes})"
        return Verdict("refused", "too_large", reason)
    return data


def decode(source: Mapping[str, Any]) -> IndexedDocument:
    """Return the document whose JSON in the index is `source`.

    Errors: IndexFault for one that was not written by this adapter.
    """
    try:
        return msgspec.convert(source, IndexedDocument)
    except msgspec.ValidationError as error:
        raise IndexFault(
            f"a document in the index cannot be read: {error}",
            value=source.get("id"),
            remedy="it was written by something else: remove it by its id",
        ) from error


def tombstone(id: str, first_seen_at: datetime, reason: str, now: datetime) -> bytes:
    """Return the JSON that replaces a removed document."""
    body = {
        "id": id,
        "version": TOMBSTONE_VERSION,
        "schema_version": SCHEMA_VERSION,
        "first_seen_at": first_seen_at,
        "removed_at": now,
        "removed_reason": reason,
    }
    return _json(body)


def _body(document: IndexedDocument, now: datetime) -> dict[str, Any]:
    body: dict[str, Any] = msgspec.to_builtins(document, builtin_types=(datetime,))
    body = {**_ALWAYS_WRITTEN, **body, "schema_version": SCHEMA_VERSION}
    body.setdefault("indexed_at", now)
    _bound_dates(body)
    for path in _LISTS:
        _cut_list(body, path)
    for path in _FLOATS:
        _refuse_infinite(body, path)
    for detail in body.get("entity_details", ()):
        _refuse_infinite(detail, ("salience",))
    _bound_geo(body)
    if "extra" in body:
        body["extra"] = _plain(body["extra"])
    return _derive(body)


def _derive(body: dict[str, Any]) -> dict[str, Any]:
    """Add the fields that only the engine needs."""
    code = language_code(body.get("language", ""))
    if code:
        body["by_language"] = {code: {"title": body["title"], "text": body["text"]}}
    body["entity_keys"] = {kind: _entity_keys(body, kind) for kind in ENTITY_TYPES}
    seen = body["first_seen_at"]
    latency = {"searchable_seconds": (body["indexed_at"] - seen).total_seconds()}
    if "published_at" in body:
        latency["seen_seconds"] = (seen - body["published_at"]).total_seconds()
    body["latency"] = latency
    engines = body.get("enrichment", {}).get("engines")
    if engines:
        found = [f"{name}={engine}" for name, engine in engines.items()]
        body["enrichment"]["engine_list"] = found[:MAX_LIST_VALUES]
    return body


def _entity_keys(body: dict[str, Any], kind: str) -> list[str]:
    """Return all that an entity of this type can be searched by: id, name, forms, aliases."""
    found: dict[str, None] = {}
    for detail in body.get("entity_details", ()):
        if detail["type"] == kind:
            found.update(dict.fromkeys((detail["id"], detail["name"], *detail.get("forms", ()))))
    for field in ("entities", "entity_forms"):
        found.update(dict.fromkeys(body.get(field, {}).get(kind, ())))
    found.pop("", None)
    return list(found)[:MAX_LIST_VALUES]


def _bound_dates(body: dict[str, Any]) -> None:
    for name, value in body.items():
        if isinstance(value, datetime) and value.tzinfo is None:
            raise ValueError(f"{name} has no time zone: {value.isoformat()}")
    latest = body["first_seen_at"] + timedelta(days=1)
    for name in ("published_at", "modified_at"):
        value = body.get(name)
        if value is not None and not _OLDEST_DATE <= value <= latest:
            del body[name]
            _drop(name, "date_out_of_range")


def _cut_list(body: dict[str, Any], path: tuple[str, ...]) -> None:
    holder, name = _holder(body, path)
    values = holder.get(name)
    if values is not None and len(values) > MAX_LIST_VALUES:
        holder[name] = values[:MAX_LIST_VALUES]
        _drop(".".join(path), "too_many_values", len(values) - MAX_LIST_VALUES)


def _refuse_infinite(body: dict[str, Any], path: tuple[str, ...]) -> None:
    holder, name = _holder(body, path)
    value = holder.get(name)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{'.'.join(path)} is {value}, which JSON cannot hold")


def _holder(body: dict[str, Any], path: tuple[str, ...]) -> tuple[dict[str, Any], str]:
    *folders, name = path
    for folder in folders:
        body = body.get(folder) or {}
    return body, name


def _bound_geo(body: dict[str, Any]) -> None:
    geo = body.get("geo")
    if not geo:
        return
    for name in ("points", "country_points"):
        points = geo.get(name, ())
        good = [point for point in points if _is_on_earth(point)]
        if len(good) < len(points):
            geo[name] = good
            _drop(f"geo.{name}", "not_on_earth", len(points) - len(good))
    focus = geo.get("focus")
    if focus and focus.get("point") is not None and not _is_on_earth(focus["point"]):
        del focus["point"]
        _drop("geo.focus.point", "not_on_earth")


def _is_on_earth(point: dict[str, float] | GeoPoint) -> bool:
    lat, lon = (point["lat"], point["lon"]) if isinstance(point, dict) else (point.lat, point.lon)
    return -90 <= lat <= 90 and -180 <= lon <= 180


def _drop(field: str, reason: str, count: int = 1) -> None:
    _dropped.labels(field, reason).inc(count)


def _json(body: dict[str, Any]) -> bytes:
    try:
        return _encoder.encode(body)
    except UnicodeEncodeError:
        _drop("text", "lone_surrogate")
        return _encoder.encode(_plain(body))


def _plain(value: Any) -> Any:
    """Return a value without lone surrogates and non-finite numbers."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "ignore").decode()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
