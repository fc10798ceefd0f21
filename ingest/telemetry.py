"""Named events: each writes one structured log line and increments one counter.

A module declares the events it emits:

    feed_polled = Event("feed_polled", counts="polls_total")
    feed_polled(outcome="new", feed=feed.id, seconds=0.3)

Log lines go to stdout (to stderr for commands that print results): readable on a terminal, JSON
elsewhere, and always without secrets (ingest/masking.py). Metrics are named `news_ingest_…`; feeds,
hosts and URLs are never labels. What each counts is in metrics.json, from which docs/monitoring.md is
built.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO, TypeVar

import msgspec
import structlog
from prometheus_client import REGISTRY, Counter, Gauge, Histogram, disable_created_metrics

from ingest.masking import masked, masked_json

Metric = TypeVar("Metric", Counter, Gauge, Histogram)


class Description(msgspec.Struct, frozen=True):
    """What a metric says, and its labels.

    `series` are the values of all labels but `stage` that are known beforehand: these series
    exist from the start, at zero. `buckets` are those of a histogram, in the unit of its name.
    """

    help: str
    labels: tuple[str, ...] = ()
    series: tuple[tuple[str, ...], ...] = ()
    buckets: tuple[float, ...] = ()


#: Every metric by name, without the prefix.
METRICS = msgspec.json.decode(
    Path(__file__).with_name("metrics.json").read_bytes(), type=dict[str, Description]
)

_context: dict[str, str] = {}
_metrics: dict[str, Any] = {}
disable_created_metrics()  # type: ignore[no-untyped-call]


def configure(
    stage: str, *, stream: TextIO | None = None, level: str = "info", as_json: bool | None = None
) -> None:
    """Configure the log of this process. `as_json` None: readable on a terminal, else JSON."""
    target = stream if stream is not None else sys.stdout
    is_json = not target.isatty() if as_json is None else as_json
    number = getattr(logging, level.upper())
    _context["stage"] = stage
    for name in _metrics:
        _start_at_zero(name)
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
        logger_factory=lambda *_: _Lines(target, is_json=is_json),
        cache_logger_on_first_use=False,
    )
    errors: Any = _Lines(sys.stderr)
    threading.excepthook = lambda crash: traceback.print_exception(*crash[:3], file=errors)
    logging.basicConfig(stream=errors, level=logging.WARNING, force=True)
    for noisy in ("kafka", "elastic_transport", "trafilatura", "htmldate", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)


class _Lines:
    """Writes lines to a stream, without secrets; a closed stream is ignored."""

    def __init__(self, target: TextIO, *, is_json: bool = False) -> None:
        self._target, self._mask = target, masked_json if is_json else masked

    def write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            self._target.write(self._mask(text))
            self._target.flush()

    def msg(self, line: str) -> None:
        self.write(line + "\n")

    debug = info = warning = error = critical = exception = log = msg


def counter(name: str) -> Counter:
    """Return the counter `news_ingest_<name>`, created once per process."""
    return _metric(Counter, name)


def gauge(name: str) -> Gauge:
    """Return the gauge `news_ingest_<name>`, created once per process."""
    return _metric(Gauge, name)


def histogram(name: str) -> Histogram:
    """Return the histogram `news_ingest_<name>`, created once per process."""
    return _metric(Histogram, name)


def _metric(kind: type[Metric], name: str) -> Metric:
    if name not in _metrics:
        told = METRICS[name]
        options: dict[str, Any] = {"buckets": told.buckets} if told.buckets else {}
        _metrics[name] = kind(
            f"news_ingest_{name}", told.help, told.labels, registry=REGISTRY, **options
        )
        _start_at_zero(name)
    metric: Metric = _metrics[name]
    return metric


def _start_at_zero(name: str) -> None:
    """Create the series of a metric that are known beforehand, once the stage is known too."""
    for known in METRICS[name].series if _context else ():
        values = iter(known)
        labels = METRICS[name].labels
        _metrics[name].labels(
            *[_context["stage"] if of == "stage" else next(values) for of in labels]
        )


class Event:
    """A named event; calling it writes the log line and increments the counter by `amount`.

    Fields with the name of a label of the counter become that label. Never pass article text; secrets
    are masked.
    """

    #: Lines below this level are not rendered.
    lowest = 0

    def __init__(self, name: str, *, level: str = "info", counts: str = "") -> None:
        self.name = name
        self.level = level
        self._number = -1 if level == "none" else getattr(logging, level.upper())
        self._counter = counter(counts) if counts else None
        self._labels = METRICS[counts].labels if counts else ()
        self._children: dict[tuple[str, ...], Counter] = {}

    def __call__(self, *, amount: float = 1, **fields: Any) -> None:
        if self._counter is not None:
            self._count(self._counter, amount, fields)
        if self._number >= Event.lowest:
            bound = structlog.get_logger()
            getattr(bound, self.level)(self.name, **({"stage": _context.get("stage", "")} | fields))

    def total(self, label: str = "") -> float:
        """Return how often the event was counted in this process, with this label or in all."""
        counted = list(self._children.items())
        return sum(float(one._value.get()) for labels, one in counted if label in ("", *labels))

    def _count(self, counter: Counter, amount: float, fields: dict[str, Any]) -> None:
        filled = {"stage": _context.get("stage", ""), **fields}
        chosen = tuple([str(filled.get(label, "")) for label in self._labels])
        child = self._children.get(chosen)
        if child is None:
            child = self._children[chosen] = counter.labels(*chosen) if chosen else counter
        child.inc(amount)
