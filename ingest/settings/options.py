"""Every option of config/pipeline.yml with its type, default and unit."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Options(BaseModel):
    """A block of options: frozen, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LogOptions(Options):
    """`log`: which log, and how to talk to it."""

    url: str = "sqlite:///var/log.db"
    session_timeout_seconds: float = Field(
        15.0,
        gt=0,
        description="a dead worker's share is given away after this (on Kafka 45 is usual)",
    )
    poll_interval_seconds: float = Field(
        300.0, gt=0, description="longest time between two reads of a live worker"
    )
    max_unacknowledged_bytes: int = Field(32 * 1024 * 1024, gt=0)
    max_log_bytes: int = Field(
        0, ge=0, description="embedded log only: hold appends above this file size; 0 is no limit"
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: str = ""
    username: str = ""
    password: str = Field(
        "", description="better NEWS_INGEST_LOG_PASSWORD or NEWS_INGEST_LOG_PASSWORD_FILE"
    )
    ssl_ca_file: str = ""
    ssl_certificate_file: str = ""
    ssl_key_file: str = ""


class TopicsOptions(Options):
    """`topics`: names in the log."""

    prefix: str = Field(
        "",
        pattern=r"^([a-z0-9-]+\.)?$",
        description="a level before every topic and group, with its dot: `test1.`",
    )


class IndexOptions(Options):
    """`index`: which index, and how to talk to it."""

    url: str = "sqlite:///var/index.db"
    prefix: str = Field(
        "",
        pattern=r"^([a-z0-9-]+-)?$",
        description="before every index, alias and template name, with its hyphen",
    )
    username: str = ""
    password: str = Field(
        "", description="better NEWS_INGEST_INDEX_PASSWORD or NEWS_INGEST_INDEX_PASSWORD_FILE"
    )
    api_key: str = ""
    ca_file: str = ""
    verify_tls: bool = True
    retention_months: int = Field(0, ge=0, description="months kept by first_seen_at; 0 keeps all")
    max_batch_documents: int = Field(500, gt=0)
    max_document_bytes: int = Field(8 * 1024 * 1024, gt=0)


class PollingOptions(Options):
    """`polling`: when feeds are asked."""

    mean_interval_minutes: float = Field(
        30.0, gt=0, description="mean over all feeds, busier ones more often"
    )
    requests_per_second: float = Field(
        0.0, ge=0, description="a fixed allowance instead; 0 uses the mean interval"
    )
    min_interval_seconds: float = Field(
        300.0, gt=0, description="no feed is asked more often, whatever it says"
    )
    concurrent_requests: int = Field(100, gt=0)
    max_feed_bytes: int = Field(15 * 1024 * 1024, gt=0)
    max_new_entries: int = Field(
        2000, gt=0, description="unknown entries taken from one poll; the rest waits for the next"
    )
    timeout_seconds: float = Field(30.0, gt=0)
    parse_timeout_seconds: float = Field(10.0, gt=0)


class FetchingOptions(Options):
    """`fetching`: how pages are fetched, and how politely (polls too)."""

    contact_url: str = Field(
        "",
        description="shown to sites in the User-Agent; set it to a page or mail address of yours",
    )
    gap_seconds: float = Field(
        1.0, ge=0, description="between two requests to one host; under 0.2 only for mapped hosts"
    )
    concurrent_requests: int = Field(100, gt=0)
    max_in_flight_records: int = Field(2000, gt=0)
    max_page_bytes: int = Field(10 * 1024 * 1024, gt=0)
    timeout_seconds: float = Field(30.0, gt=0)
    connect_timeout_seconds: float = Field(10.0, gt=0)
    read_timeout_seconds: float = Field(15.0, gt=0)
    max_redirects: int = Field(8, ge=0)
    robots_cache_hours: float = Field(24.0, gt=0)


class AllowedNetwork(Options):
    """A network that the address guard lets through, for feeds of an intranet."""

    network: str
    port: int | None = None


class AddressGuardOptions(Options):
    """`address_guard`: the only holes in the rule that nothing private is asked."""

    hosts: dict[str, str] = Field(
        {}, description="name or *.name → address:port, for sites on this machine"
    )
    allowed: list[AllowedNetwork] = []


class RetryOptions(Options):
    """`retry`: the rungs of the retry topics."""

    delays_seconds: tuple[float, float, float] = Field(
        (60.0, 600.0, 3600.0), description="what .retry.1m, .10m and .1h really wait"
    )


class BreakerOptions(Options):
    """`breaker`: when a stage stops instead of filling the dead letters."""

    enabled: bool = True
    rejects_in_a_row: int = Field(50, gt=0)
    share: float = Field(0.2, gt=0, le=1)
    window_records: int = Field(1000, gt=0)
    min_records: int = Field(200, gt=0)
    min_domains: int = Field(5, gt=0)


class WorkerOptions(Options):
    """`worker`: the loop that every stage runs in."""

    hold_probe_seconds: float = Field(2.0, gt=0)
    start_timeout_seconds: float = Field(
        120.0, gt=0, description="how long a stage waits for log and index at start"
    )
    stop_timeout_seconds: float = Field(30.0, gt=0)
    max_batch_bytes: int = Field(16 * 1024 * 1024, gt=0)


class TelemetryOptions(Options):
    """`telemetry`: lines, metrics, health."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "text", "json"] = "auto"
    host: str = "127.0.0.1"
    ports: dict[str, int] = Field(
        {}, description="stage → port of /metrics and /health; a stage not named has none"
    )


class StageOptions(Options):
    """One block under `stages`: what it reads, what it writes, its processors in order."""

    kind: Literal["poll", "fetch", "extract", "enrich", "index"]
    reads: str = ""
    writes: str = ""
    processors: list[str | dict[str, dict[str, Any]]] = []
    children: int = Field(0, ge=0, description="extract: child processes; 0 is one a core")
    records_a_batch: int = Field(100, gt=0)
    group: str = Field("", description="consumer group; empty is news-<stage>")


class PipelineSettings(Options):
    """All of config/pipeline.yml."""

    log: LogOptions = LogOptions()
    topics: TopicsOptions = TopicsOptions()
    index: IndexOptions = IndexOptions()
    polling: PollingOptions = PollingOptions()
    fetching: FetchingOptions = FetchingOptions()
    address_guard: AddressGuardOptions = AddressGuardOptions()
    retry: RetryOptions = RetryOptions()
    breaker: BreakerOptions = BreakerOptions()
    worker: WorkerOptions = WorkerOptions()
    telemetry: TelemetryOptions = TelemetryOptions()
    stages: dict[str, StageOptions]
