"""Named events: each writes one structured log line and increments one counter.

A module declares the events it emits:

    feed_polled = Event("feed_polled", counter=counter("polls_total", "outcome"))
    feed_polled(outcome="new", feed=feed.id, seconds=0.3)

Log lines go to stdout (to stderr for commands that print results): readable on a terminal, JSON
elsewhere, and always without secrets (ingest/masking.py). Metrics are named `news_ingest_…`; feeds,
hosts and URLs are never labels.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, TextIO, TypeVar

import structlog
from prometheus_client import REGISTRY, Counter, Gauge, Histogram

from ingest.masking import masked

Metric = TypeVar("Metric", Counter, Gauge, Histogram)

_context: dict[str, str] = {}
_metrics: dict[str, Any] = {}


def configure(
    stage: str, *, stream: TextIO | None = None, level: str = "info", as_json: bool | None = None
) -> None:
    """Configure the log of this process. `as_json` None: readable on a terminal, else JSON."""
    target = stream if stream is not None else sys.stdout
    is_json = not target.isatty() if as_json is None else as_json
    number = getattr(logging, level.upper())
    _context["stage"] = stage
    Event.lowest = number
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
        if is_json
        else structlog.dev.ConsoleRenderer(colors=target.isatty(), pad_event_to=24)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso" if is_json else "%H:%M:%S", utc=is_json),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_: _Lines(target),
        cache_logger_on_first_use=False,
    )
    errors: Any = _Lines(sys.stderr)
    threading.excepthook = lambda crash: traceback.print_exception(*crash[:3], file=errors)
    logging.basicConfig(stream=errors, level=logging.WARNING, force=True)
    for noisy in ("kafka", "elastic_transport", "trafilatura", "htmldate", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)


class _Lines:
    """Writes lines to a stream, without secrets; a closed stream is ignored."""

    def __init__(self, target: TextIO) -> None:
        self._target = target

    def write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            self._target.write(masked(text))
            self._target.flush()

    def msg(self, line: str) -> None:
        self.write(line + "\n")

    debug = info = warning = error = critical = exception = log = msg


def counter(name: str, *labels: str) -> Counter:
    """Return the counter `news_ingest_<name>`, created once per process."""
    return _metric(Counter, name, labels)


def gauge(name: str, *labels: str) -> Gauge:
    """Return the gauge `news_ingest_<name>`, created once per process."""
    return _metric(Gauge, name, labels)


def histogram(name: str, *labels: str, buckets: Sequence[float] | None = None) -> Histogram:
    """Return the histogram `news_ingest_<name>`; bucket bounds are in the unit of the name."""
    options = {} if buckets is None else {"buckets": buckets}
    return _metric(Histogram, name, labels, **options)


def _metric(kind: type[Metric], name: str, labels: Sequence[str], **options: Any) -> Metric:
    if name not in _metrics:
        full = f"news_ingest_{name}"
        _metrics[name] = kind(full, full, list(labels), registry=REGISTRY, **options)
    metric: Metric = _metrics[name]
    return metric


class Event:
    """A named event; calling it writes the log line and increments the counter by `amount`.

    Fields with the name of a label of the counter become that label. Never pass article text; secrets
    are masked.
    """

    #: Lines below this level are not rendered.
    lowest = 0

    def __init__(self, name: str, *, level: str = "info", counter: Counter | None = None) -> None:
        self.name = name
        self.level = level
        self._number = -1 if level == "none" else getattr(logging, level.upper())
        self._counter = counter
        self._labels: tuple[str, ...] = () if counter is None else tuple(counter._labelnames)
        self._children: dict[tuple[str, ...], Counter] = {}

    def __call__(self, *, amount: float = 1, **fields: Any) -> None:
        if self._counter is not None:
            self._count(self._counter, amount, fields)
        if self._number >= Event.lowest:
            bound = structlog.get_logger()
            getattr(bound, self.level)(self.name, **({"stage": _context.get("stage", "")} | fields))

    def _count(self, counter: Counter, amount: float, fields: dict[str, Any]) -> None:
        filled = {"stage": _context.get("stage", ""), **fields}
        chosen = tuple([str(filled.get(label, "")) for label in self._labels])
        child = self._children.get(chosen)
        if child is None:
            child = self._children[chosen] = counter.labels(*chosen) if chosen else counter
        child.inc(amount)
