"""Every option of config/pipeline.yml with its type, default and unit."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Options(BaseModel):
    """A block of options: frozen, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LogOptions(Options):
    """`log`: the log and its connection."""

    url: str = Field(
        "sqlite:///var/log.db",
        description="sqlite:///FILE (relative to the parent of config/), or kafka://host:9092 with hosts separated by commas",
    )
    session_timeout_seconds: float = Field(
        15.0,
        gt=0,
        description="the partitions of a worker that stops responding are reassigned after this time (45 is usual on Kafka)",
    )
    poll_interval_seconds: float = Field(
        300.0, gt=0, description="maximum time between two reads of a live worker"
    )
    max_unacknowledged_bytes: int = Field(
        32 * 1024 * 1024, gt=0, description="an append waits while more than this is unacknowledged"
    )
    max_log_bytes: int = Field(
        0, ge=0, description="embedded log only: appends wait above this file size; 0: no limit"
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="Kafka only: encryption and authentication"
    )
    sasl_mechanism: str = Field(
        "", description="Kafka only, with SASL: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 …"
    )
    username: str = Field("", description="Kafka only, with SASL")
    password: str = Field(
        "", description="prefer NEWS_INGEST_LOG_PASSWORD or NEWS_INGEST_LOG_PASSWORD_FILE"
    )
    ssl_ca_file: str = Field(
        "", description="Kafka only: PEM file of trusted authorities; the system's if empty"
    )
    ssl_certificate_file: str = Field("", description="Kafka only: PEM file of our certificate")
    ssl_key_file: str = Field("", description="Kafka only: PEM file of the client key")


class TopicsOptions(Options):
    """`topics`: topic names."""

    prefix: str = Field(
        "",
        pattern=r"^([a-z0-9-]+\.)?$",
        description="prefix of every topic and group, including the dot: `test1.`",
    )


class IndexOptions(Options):
    """`index`: the index and its connection."""

    url: str = Field(
        "sqlite:///var/index.db",
        description="sqlite:///FILE (relative to the parent of config/), or http(s)://host:9200",
    )
    prefix: str = Field(
        "",
        pattern=r"^([a-z0-9-]+-)?$",
        description="Elasticsearch only: prefix of every index, alias and template name, including the hyphen: `test1-`",
    )
    username: str = Field("", description="Elasticsearch only")
    password: str = Field(
        "", description="prefer NEWS_INGEST_INDEX_PASSWORD or NEWS_INGEST_INDEX_PASSWORD_FILE"
    )
    api_key: str = Field(
        "",
        description="Elasticsearch only: instead of username and password; prefer NEWS_INGEST_INDEX_API_KEY",
    )
    ca_file: str = Field(
        "",
        description="Elasticsearch only: PEM file of the trusted certificate authority; the system's if empty",
    )
    verify_tls: bool = Field(True, description="Elasticsearch only: verify the server certificate")
    retention_months: int = Field(
        0,
        ge=0,
        description="full months to keep in addition to the current one, by first_seen_at; 0 keeps everything",
    )
    max_document_bytes: int = Field(
        8 * 1024 * 1024, gt=0, description="a larger document becomes a dead letter"
    )


class KibanaOptions(Options):
    """`kibana`: where `news-ingest setup` imports data views, saved searches and dashboards."""

    url: str = Field(
        "",
        pattern=r"^(https?://\S+)?$",
        description="`http://host:5601`; if empty, Kibana is not used",
    )
    username: str = Field("", description="empty if Kibana requires no login")
    password: str = Field(
        "", description="prefer NEWS_INGEST_KIBANA_PASSWORD or NEWS_INGEST_KIBANA_PASSWORD_FILE"
    )
    timeout_seconds: float = Field(
        600.0, gt=0, description="how long `setup` waits for Kibana to become available"
    )


class PollingOptions(Options):
    """`polling`: when feeds are polled."""

    mean_interval_minutes: float = Field(
        30.0, gt=0, description="mean over all feeds; busy feeds are polled more often"
    )
    requests_per_second: float = Field(
        0.0, ge=0, description="fixed rate for all feeds; 0 uses the mean interval"
    )
    min_interval_seconds: float = Field(
        300.0, gt=0, description="no feed is polled more often, whatever it declares"
    )
    concurrent_requests: int = Field(500, gt=0, description="feeds polled concurrently")
    max_feed_bytes: int = Field(
        15 * 1024 * 1024, gt=0, description="a larger feed document counts as a failed poll"
    )
    max_new_entries: int = Field(
        2000, gt=0, description="new entries taken from one poll; the rest waits for the next"
    )
    timeout_seconds: float = Field(30.0, gt=0, description="for one feed, including redirects")
    parse_timeout_seconds: float = Field(
        10.0, gt=0, description="a child process that takes longer to parse one feed is killed"
    )


class FetchingOptions(Options):
    """`fetching`: how pages are fetched, and politeness of fetches and polls."""

    contact_url: str = Field(
        "", description="shown to sites in the User-Agent; set it to your web page or mail address"
    )
    gap_seconds: float = Field(
        1.0, ge=0, description="between two requests to a host; below 0.2 only for mapped hosts"
    )
    concurrent_requests: int = Field(
        100, gt=0, description="pages fetched concurrently, from different hosts"
    )
    max_in_flight_records: int = Field(
        2000, gt=0, description="entries in progress in a worker; it reads more when half are done"
    )
    max_waiting_bytes: int = Field(
        768 * 1024**2,
        gt=0,
        description="when about this much waits in the log for the later stages, fetching holds; "
        "at most half of what the topic of pages keeps (`retention_bytes` in all partitions)",
    )
    max_page_bytes: int = Field(
        10 * 1024 * 1024, gt=0, description="after decompression; also for files given to `ingest`"
    )
    timeout_seconds: float = Field(30.0, gt=0, description="for one page, including redirects")
    connect_timeout_seconds: float = Field(
        10.0, gt=0, description="for resolving a host name and connecting"
    )
    read_timeout_seconds: float = Field(
        15.0, gt=0, description="maximum time without data during a response"
    )
    max_redirects: int = Field(
        8, ge=0, description="for one request, not counting those to robots.txt"
    )
    robots_cache_hours: float = Field(24.0, gt=0, description="how long a robots.txt is cached")


class AllowedNetwork(Options):
    """A private network that the address guard allows, for feeds on an intranet."""

    network: str = Field(description="for example 10.20.0.0/16")
    port: int | None = Field(None, description="only this port; any port if empty")


class AddressGuardOptions(Options):
    """`address_guard`: the only exceptions to the rule that no private address is requested."""

    hosts: dict[str, str] = Field(
        {}, description="name or *.name → address:port, for sites on this machine"
    )
    allowed: list[AllowedNetwork] = Field([], description="private networks that may be requested")


class RetryOptions(Options):
    """`retry`: delays of the retry topics."""

    delays_seconds: tuple[float, float, float] = Field(
        (60.0, 600.0, 3600.0), description="actual delays of .retry.1m, .retry.10m and .retry.1h"
    )


class BreakerOptions(Options):
    """`breaker`: when a stage stops instead of filling the dead-letter topic."""

    enabled: bool = Field(True, description="`run --breaker off` disables it for one run")
    rejects_in_a_row: int = Field(
        50, gt=0, description="consecutive rejects in a partition that stop the stage (status 3)"
    )
    share: float = Field(
        0.2, gt=0, le=1, description="share of rejects among the last records that stops the stage"
    )
    window_records: int = Field(1000, gt=0, description="how many last records `share` refers to")
    min_records: int = Field(200, gt=0, description="`share` applies from this many records")
    min_domains: int = Field(
        5, gt=0, description="rejects from fewer sites do not stop it: the sites are at fault"
    )


class WorkerOptions(Options):
    """`worker`: the loop that every stage runs in."""

    hold_probe_seconds: float = Field(
        2.0, gt=0, description="maximum time between two checks of a dependency that is down"
    )
    start_timeout_seconds: float = Field(
        120.0,
        gt=0,
        description="how long a stage waits for the log and the index when it starts, and a poller "
        "for an index that refuses its user",
    )
    stop_timeout_seconds: float = Field(
        30.0, gt=0, description="how long polls in progress may take after SIGTERM"
    )
    max_batch_bytes: int = Field(
        16 * 1024 * 1024, gt=0, description="a batch ends at this size, even with few records"
    )


class ArchiveOptions(Options):
    """`archive`: fetched pages kept as WARC files by the stage of kind archive."""

    enabled: bool = Field(
        True, description="if false, the stage is idle and existing files are left alone"
    )
    folder: str = Field(
        "var/archive", description="folder of the WARC files; relative to the parent of config/"
    )
    max_file_bytes: int = Field(
        256 * 1024 * 1024, gt=0, description="a file is closed at this size and the next started"
    )
    max_file_age_hours: float = Field(
        24.0, gt=0, description="a file older than this is closed too, whatever its size"
    )
    retention_days: float = Field(
        90.0, ge=0, description="files last written longer ago are deleted; 0 keeps everything"
    )
    max_folder_bytes: int = Field(
        8 * 1024 * 1024 * 1024,
        ge=0,
        description="when the folder is larger, the oldest files are deleted (each worker checks the whole folder); 0 means no limit",
    )


class TelemetryOptions(Options):
    """`telemetry`: log lines, metrics, health."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="minimum level of log lines; debug logs one line per document and stage"
    )
    format: Literal["auto", "text", "json"] = Field(
        "auto", description="format of log lines; auto means text on a terminal and JSON elsewhere"
    )
    host: str = Field("127.0.0.1", description="address on which /metrics and /health listen")
    ports: dict[str, int] = Field(
        {}, description="stage → port of /metrics and /health; other stages have none"
    )


class StageOptions(Options):
    """One block under `stages`: what it reads, what it writes, its processors in order."""

    kind: Literal["poll", "fetch", "archive", "extract", "enrich", "index"] = Field(
        description="what the stage does; several stages may have the same kind"
    )
    reads: str = Field("", description="topic to read; required for all kinds but poll")
    writes: str = Field(
        "", description="topic to write; required for all kinds but archive and index"
    )
    backfill_reads: str = Field(
        "",
        description="topic that is read while nothing waits in `reads`, with the same number of partitions; none if empty",
    )
    backfill_writes: str = Field(
        "",
        description="topic for results from `backfill_reads`; for kind poll, topic for what `feeds backfill` finds",
    )
    processors: list[str | dict[str, dict[str, Any]]] = Field(
        [],
        description="kinds extract (exactly one) and enrich: names in order of execution; `- name: {option: value}` sets options",
    )
    children: int = Field(
        0,
        ge=0,
        description="kinds poll and extract: number of child processes; 0 means one per core",
    )
    records_a_batch: int = Field(
        100,
        gt=0,
        description="kinds archive, extract, enrich and index: maximum number of records in a batch",
    )
    group: str = Field("", description="consumer group; news-<stage> if empty")


class PipelineSettings(Options):
    """All of config/pipeline.yml."""

    log: LogOptions = Field(LogOptions(), description="the log and its connection")
    topics: TopicsOptions = Field(TopicsOptions(), description="topic names")
    index: IndexOptions = Field(IndexOptions(), description="the index and its connection")
    kibana: KibanaOptions = Field(
        KibanaOptions(), description="where `setup` imports saved searches and dashboards"
    )
    polling: PollingOptions = Field(PollingOptions(), description="when feeds are polled")
    fetching: FetchingOptions = Field(
        FetchingOptions(), description="how pages are fetched, and politeness of fetches and polls"
    )
    address_guard: AddressGuardOptions = Field(
        AddressGuardOptions(),
        description="the only exceptions to the rule that no private address is requested",
    )
    retry: RetryOptions = Field(RetryOptions(), description="delays of the retry topics")
    breaker: BreakerOptions = Field(
        BreakerOptions(), description="when a stage stops instead of filling the dead-letter topic"
    )
    worker: WorkerOptions = Field(WorkerOptions(), description="the loop that every stage runs in")
    archive: ArchiveOptions = Field(
        ArchiveOptions(), description="fetched pages kept as WARC files"
    )
    telemetry: TelemetryOptions = Field(
        TelemetryOptions(), description="log lines, metrics, health"
    )
    stages: dict[str, StageOptions] = Field(
        description="name → stage, in the order of the flow; `run --stage NAME` runs one"
    )
