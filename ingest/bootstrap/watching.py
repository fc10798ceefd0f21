"""Runs a stage with its /health and /metrics beside it."""

from __future__ import annotations

from collections.abc import Callable

from ingest.pipeline.health import Watched, health_of, serve_health
from ingest.records.stage_plan import StagePlan
from ingest.settings.load import Settings


def run_watched(
    settings: Settings, plan: StagePlan, watched: Watched, run: Callable[[], None]
) -> None:
    """Run with /health and /metrics beside it, where the settings name a port for the stage."""
    options = settings.pipeline.telemetry
    server = None
    if plan.name in options.ports:
        server = serve_health(
            options.host, options.ports[plan.name], lambda: health_of(plan.name, watched)
        )
    try:
        run()
    finally:
        if server is not None:
            server.shutdown()
            server.server_close()
