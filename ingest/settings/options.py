"""Every option of config/pipeline.yml with its type, default and unit."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Options(BaseModel):
    """A block of options: frozen, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LogOptions(Options):
    """`log`: which log, and how to talk to it."""

    url: str = Field(
        "sqlite:///var/log.db",
        description="sqlite:///FILE (a relative one starts above config/), or kafka://host:9092, several hosts with commas between",
    )
    session_timeout_seconds: float = Field(
        15.0,
        gt=0,
        description="a dead worker's share is given away after this (on Kafka 45 is usual)",
    )
    poll_interval_seconds: float = Field(
        300.0, gt=0, description="longest time between two reads of a live worker"
    )
    max_unacknowledged_bytes: int = Field(
        32 * 1024 * 1024,
        gt=0,
        description="an append waits while more than this is not acknowledged yet",
    )
    max_log_bytes: int = Field(
        0, ge=0, description="embedded log only: hold appends above this file size; 0: unlimited"
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="Kafka only: whether to encrypt and how to log in"
    )
    sasl_mechanism: str = Field(
        "", description="Kafka only, with SASL: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 …"
    )
    username: str = Field("", description="Kafka only, with SASL")
    password: str = Field(
        "", description="better NEWS_INGEST_LOG_PASSWORD or NEWS_INGEST_LOG_PASSWORD_FILE"
    )
    ssl_ca_file: str = Field(
        "", description="Kafka only: PEM file of the authorities to believe; empty is the system's"
    )
    ssl_certificate_file: str = Field("", description="Kafka only: PEM file of our certificate")
    ssl_key_file: str = Field("", description="Kafka only: PEM file of its key")


class TopicsOptions(Options):
    """`topics`: names in the log."""

    prefix: str = Field(
        "",
        pattern=r"^([a-z0-9-]+\.)?$",
        description="a level before every topic and group, with its dot: `test1.`",
    )


class IndexOptions(Options):
    """`index`: which index, and how to talk to it."""

    url: str = Field(
        "sqlite:///var/index.db",
        description="sqlite:///FILE (a relative one starts above config/), or http(s)://host:9200",
    )
    prefix: str = Field(
        "",
        pattern=r"^([a-z0-9-]+-)?$",
        description="Elasticsearch only: before every index, alias and template name, with its hyphen: `test1-`",
    )
    username: str = Field("", description="Elasticsearch only")
    password: str = Field(
        "", description="better NEWS_INGEST_INDEX_PASSWORD or NEWS_INGEST_INDEX_PASSWORD_FILE"
    )
    api_key: str = Field(
        "",
        description="Elasticsearch only: instead of name and password; NEWS_INGEST_INDEX_API_KEY",
    )
    ca_file: str = Field(
        "",
        description="Elasticsearch only: PEM file of the authority to believe; empty is the system's",
    )
    verify_tls: bool = Field(True, description="Elasticsearch only: check its certificate")
    retention_months: int = Field(
        0,
        ge=0,
        description="whole months kept beside the running one, by first_seen_at; 0 keeps all",
    )
    max_document_bytes: int = Field(
        8 * 1024 * 1024, gt=0, description="a larger document becomes a dead letter"
    )


class KibanaOptions(Options):
    """`kibana`: where `news-ingest setup` puts the data view, saved search and dashboard."""

    url: str = Field(
        "",
        pattern=r"^(https?://\S+)?$",
        description="`http://host:5601`; empty leaves Kibana alone",
    )
    username: str = Field("", description="empty where Kibana asks for no login")
    password: str = Field(
        "", description="better NEWS_INGEST_KIBANA_PASSWORD or NEWS_INGEST_KIBANA_PASSWORD_FILE"
    )
    timeout_seconds: float = Field(
        600.0, gt=0, description="how long setup waits for Kibana to be available"
    )


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
    concurrent_requests: int = Field(500, gt=0, description="feeds asked side by side")
    max_feed_bytes: int = Field(
        15 * 1024 * 1024, gt=0, description="a larger feed document is a failure of the feed"
    )
    max_new_entries: int = Field(
        2000, gt=0, description="unknown entries taken from one poll; the rest waits for the next"
    )
    timeout_seconds: float = Field(30.0, gt=0, description="for one feed, its redirects included")
    parse_timeout_seconds: float = Field(
        10.0, gt=0, description="a child process that parses one feed for longer is killed"
    )


class FetchingOptions(Options):
    """`fetching`: how pages are fetched, and how politely (polls too)."""

    contact_url: str = Field(
        "",
        description="shown to sites in the User-Agent; set it to a page or mail address of yours",
    )
    gap_seconds: float = Field(
        1.0, ge=0, description="between two requests to one host; under 0.2 only for mapped hosts"
    )
    concurrent_requests: int = Field(
        100, gt=0, description="pages asked for side by side, of different hosts"
    )
    max_in_flight_records: int = Field(
        2000, gt=0, description="entries open in one worker; it reads no more until half are done"
    )
    max_page_bytes: int = Field(
        10 * 1024 * 1024, gt=0, description="unpacked; also of a file given to `ingest`"
    )
    timeout_seconds: float = Field(30.0, gt=0, description="for one page, its redirects included")
    connect_timeout_seconds: float = Field(
        10.0, gt=0, description="for finding a host and connecting to it"
    )
    read_timeout_seconds: float = Field(
        15.0, gt=0, description="longest silence in the middle of an answer"
    )
    max_redirects: int = Field(
        8, ge=0, description="for one request, those to robots.txt not counted"
    )
    robots_cache_hours: float = Field(
        24.0, gt=0, description="how long a robots.txt is believed before it is asked again"
    )


class AllowedNetwork(Options):
    """A network that the address guard lets through, for feeds of an intranet."""

    network: str = Field(description="such as 10.20.0.0/16")
    port: int | None = Field(None, description="only this port; empty is any")


class AddressGuardOptions(Options):
    """`address_guard`: the only holes in the rule that nothing private is asked."""

    hosts: dict[str, str] = Field(
        {}, description="name or *.name → address:port, for sites on this machine"
    )
    allowed: list[AllowedNetwork] = Field(
        [], description="networks that may be asked though they are private"
    )


class RetryOptions(Options):
    """`retry`: the rungs of the retry topics."""

    delays_seconds: tuple[float, float, float] = Field(
        (60.0, 600.0, 3600.0), description="what .retry.1m, .10m and .1h really wait"
    )


class BreakerOptions(Options):
    """`breaker`: when a stage stops instead of filling the dead letters."""

    enabled: bool = Field(True, description="`news-ingest run --breaker off` for one run without")
    rejects_in_a_row: int = Field(
        50, gt=0, description="so many in one partition stop the stage (exit code 3)"
    )
    share: float = Field(
        0.2, gt=0, le=1, description="so large a share of the last records stops it too"
    )
    window_records: int = Field(1000, gt=0, description="the last records that the share is of")
    min_records: int = Field(200, gt=0, description="the share counts from so many records on")
    min_domains: int = Field(
        5, gt=0, description="rejects of fewer sites than this stop nothing: it is their fault"
    )


class WorkerOptions(Options):
    """`worker`: the loop that every stage runs in."""

    hold_probe_seconds: float = Field(
        2.0, gt=0, description="longest pause between two looks at a dependency that is down"
    )
    start_timeout_seconds: float = Field(
        120.0, gt=0, description="how long a stage waits for log and index at start"
    )
    stop_timeout_seconds: float = Field(
        30.0, gt=0, description="how long polls that are under way may take after SIGTERM"
    )
    max_batch_bytes: int = Field(
        16 * 1024 * 1024, gt=0, description="a batch is cut there, whatever its count of records"
    )


class ArchiveOptions(Options):
    """`archive`: fetched pages kept as WARC files, written by the stage of kind archive."""

    enabled: bool = Field(
        True, description="keep them; false leaves the stage idle and what is there alone"
    )
    folder: str = Field(
        "var/archive", description="where; a relative one starts above config/, as those of sqlite"
    )
    max_file_bytes: int = Field(
        256 * 1024 * 1024, gt=0, description="a file is closed and the next started above this size"
    )
    max_file_age_hours: float = Field(
        24.0, gt=0, description="or when it is older than this, be it ever so small"
    )
    retention_days: float = Field(
        90.0, ge=0, description="a file last written so long ago is deleted; 0 keeps all"
    )
    max_folder_bytes: int = Field(
        20 * 1024 * 1024 * 1024,
        ge=0,
        description="the oldest files are deleted above this, in each worker's view; 0 means no limit",
    )


class TelemetryOptions(Options):
    """`telemetry`: lines, metrics, health."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="lines below it are left out; debug has one a document and stage"
    )
    format: Literal["auto", "text", "json"] = Field(
        "auto", description="of the lines; auto is text on a terminal, JSON elsewhere"
    )
    host: str = Field("127.0.0.1", description="where /metrics and /health listen")
    ports: dict[str, int] = Field(
        {}, description="stage → port of /metrics and /health; a stage not named has none"
    )


class StageOptions(Options):
    """One block under `stages`: what it reads, what it writes, its processors in order."""

    kind: Literal["poll", "fetch", "archive", "extract", "enrich", "index"] = Field(
        description="what the stage does; several stages may be of one kind"
    )
    reads: str = Field("", description="topic of config/topics.yml; all kinds but poll need it")
    writes: str = Field(
        "", description="topic of config/topics.yml; all kinds but archive and index need it"
    )
    backfill_reads: str = Field(
        "",
        description="topic of as many partitions that is read while nothing waits in `reads`; empty is none",
    )
    backfill_writes: str = Field(
        "",
        description="topic for what `backfill_reads` brings; in a stage of kind poll for what `feeds backfill` finds",
    )
    processors: list[str | dict[str, dict[str, Any]]] = Field(
        [],
        description="kinds extract (exactly one) and enrich: names, in the order of work; `- name: {option: value}` sets options",
    )
    children: int = Field(
        0,
        ge=0,
        description="kinds poll and extract: child processes that parse and extract; 0 is one a core",
    )
    records_a_batch: int = Field(
        100,
        gt=0,
        description="kinds archive, extract, enrich and index: most records taken at once",
    )
    group: str = Field("", description="consumer group; empty is news-<stage>")


class PipelineSettings(Options):
    """All of config/pipeline.yml."""

    log: LogOptions = Field(LogOptions(), description="which log, and how to talk to it")
    topics: TopicsOptions = Field(TopicsOptions(), description="names in the log")
    index: IndexOptions = Field(IndexOptions(), description="which index, and how to talk to it")
    kibana: KibanaOptions = Field(
        KibanaOptions(), description="where setup puts data view, saved search and dashboard"
    )
    polling: PollingOptions = Field(PollingOptions(), description="when feeds are asked")
    fetching: FetchingOptions = Field(
        FetchingOptions(), description="how pages are fetched, and how politely (polls too)"
    )
    address_guard: AddressGuardOptions = Field(
        AddressGuardOptions(),
        description="the only holes in the rule that nothing private is asked",
    )
    retry: RetryOptions = Field(RetryOptions(), description="the rungs of the retry topics")
    breaker: BreakerOptions = Field(
        BreakerOptions(), description="when a stage stops instead of filling the dead letters"
    )
    worker: WorkerOptions = Field(WorkerOptions(), description="the loop that every stage runs in")
    archive: ArchiveOptions = Field(
        ArchiveOptions(), description="fetched pages kept as WARC files"
    )
    telemetry: TelemetryOptions = Field(TelemetryOptions(), description="lines, metrics, health")
    stages: dict[str, StageOptions] = Field(
        description="name → stage; `run --stage NAME` runs one, the order is that of the flow"
    )
