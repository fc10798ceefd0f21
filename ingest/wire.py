"""Encodes and decodes the records of the log."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from ingest.errors import WireError

Shape = TypeVar("Shape")

_encoder = msgspec.json.Encoder()
_decoders: dict[object, msgspec.json.Decoder[object]] = {}


def encode(value: object) -> bytes:
    """Return the UTF-8 JSON of a struct or mapping.

    Errors: WireError if a value cannot be encoded (a lone surrogate, an unknown type).
    """
    try:
        return _encoder.encode(value)
    except (TypeError, ValueError, UnicodeEncodeError, RecursionError) as error:
        raise WireError(
            f"cannot be encoded as JSON: {error}",
            value=type(value).__name__,
            remedy="this is a bug in the code that made the value: please report it",
        ) from error


def decode(data: bytes | None, shape: type[Shape], origin: str = "") -> Shape:
    """Return the struct that these bytes hold; unknown fields are ignored.

    Errors: WireError, and no other, if they do not match the shape; it names their `origin`.
    """
    decoder = _decoders.get(shape)
    if decoder is None:
        decoder = _decoders[shape] = msgspec.json.Decoder(shape)
    try:
        return decoder.decode(data or b"")  # type: ignore[return-value]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise WireError(
            f"is not a valid {getattr(shape, '__name__', shape)}: {error}",
            value=(data or b"")[:120].decode("utf-8", "replace"),
            origin=origin or None,
            remedy="look at the record with `news-ingest dead-letters show`",
        ) from error
