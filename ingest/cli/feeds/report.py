"""Shows the result of one poll of a feed, in the order of a poll."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ingest.cli.terminal_text import line
from ingest.identity import origin_of
from ingest.operations.feeds.client import FeedClient
from ingest.polling.document import answers
from ingest.polling.state.feed_state import FeedState, duration
from ingest.polling.trial.feed_listing import (
    Counts,
    FeedListing,
    counts_of,
    failed_listing,
    listing_of,
)
from ingest.polling.trial.feed_trial import Trial


def listing_of_trial(input: str, trial: Trial) -> FeedListing:
    """Return the listing of a trial, with its fault or its warnings among the problems."""
    if trial.parsed is None or trial.found is None:
        fault = trial.fault or ("no_answer", "no response")
        return failed_listing(input, *fault)
    return listing_of(input, trial.parsed, trial.found, trial.feed)


def warnings_of(trial: Trial, listing: FeedListing) -> list[str]:
    """Return what is wrong with a feed that can be read."""
    found = list(listing.problems)
    if trial.is_moved_for_good:
        found.append(f"moved: permanently redirected to {trial.url}")
    if trial.robots == "disallowed":
        found.append("robots_disallowed: robots.txt does not allow the address")
    if trial.again is not None and trial.again.status not in (200, 226, 304):
        found.append(f"conditional_request: HTTP {trial.again.status}")
    return found


def poll_data(trial: Trial, outlook: FeedState | None) -> dict[str, Any]:
    """Return the result of a trial as plain data: `poll` in the JSON of an address."""
    answer, again = trial.answer, trial.again
    data: dict[str, Any] = {"url": trial.url, "robots": trial.robots}
    if answer is not None:
        data |= {
            "status": answer.status,
            "hops": [{"url": hop.url, "status": hop.status} for hop in answer.hops],
            "address": answer.address,
            "bytes": len(answer.body),
            "wire_bytes": answer.wire_bytes,
            "request_seconds": round(answer.seconds, 3),
            "parse_seconds": round(trial.parse_seconds, 3),
            "etag": answer.header("etag"),
            "last_modified": answer.header("last-modified"),
            "fresh_seconds": answers.cache_floor_seconds(answer),
            "conditional_status": None if again is None else again.status,
        }
    elif trial.lost_seconds is not None:
        data["request_seconds"] = round(trial.lost_seconds, 3)
    if trial.found is not None and trial.parsed is not None:
        counts = counts_of(trial.parsed, trial.found)
        data |= {"would_index": counts.indexed, "would_refuse": counts.refused}
    if outlook is not None:
        data |= {
            "interval_seconds": round(outlook.interval_seconds),
            "floor_seconds": round(outlook.floor_seconds),
            "floor_reason": outlook.floor_reason,
            "entries_per_day": round(outlook.rate.per_hour * 24, 2),
        }
    return data


def show_trial(
    trial: Trial, listing: FeedListing, outlook: FeedState | None, client: FeedClient
) -> None:
    """Print what a poll would do with this feed, up to its first failure."""
    show_robots(trial, client)
    _show_request(trial)
    if trial.fault is not None or trial.parsed is None or trial.found is None:
        kind, message = trial.fault or ("no_answer", "no response")
        line("verdict", f"bad: {kind}: {message}")
        return
    _show_caching(trial)
    seconds = f"parsed in {trial.parse_seconds:.2f} s"
    line("format", f"{listing.format}, {listing.title[:100]!r}, {seconds}")
    show_entries(listing, counts_of(trial.parsed, trial.found), trial)
    if outlook is not None:
        line("plan", interval_in_words(outlook))
    warnings = warnings_of(trial, listing)
    for warning in warnings[len(listing.problems) :]:
        line("warning", warning)
    show_verdict(warnings)


def show_robots(trial: Trial, client: FeedClient) -> None:
    """Print what robots.txt says and, where it forbids, the option that ignores it."""
    file = client.robots_file(trial.feed.url)
    # Without a verdict the request itself failed, so robots.txt had allowed it.
    verdict = trial.robots or ("not requested" if file is None else "allowed")
    about = ""
    if file is not None:
        about = f"  ({origin_of(trial.feed.url)}/robots.txt, {file.status or 'no answer'}"
        delay = file.crawl_delay_seconds
        about += f", crawl delay {delay:g} s)" if delay else ")"
    line("robots", verdict + about)
    if verdict in ("disallowed", "unreachable"):
        line("", "to poll it anyway, add this line to the feed's block:")
        line("", "robots: ignore")


def show_entries(listing: FeedListing, counts: Counts, trial: Trial | None = None) -> None:
    """Print the counts, the problems, and the first three entries."""
    newest = ""
    if trial is not None and counts.newest_at is not None:
        newest = f", newest {ago(counts.newest_at, trial.at)}"
    line("entries", f"{counts.entries}: {counts.links} links, {counts.guids} guids, "
                    f"{counts.dates} dates{newest}")  # fmt: skip
    refused = "".join(f", {amount} not ({reason})" for reason, amount in counts.refused.items())
    line("would", f"index {counts.indexed}{refused}")
    for problem in listing.problems:
        line("oddity", problem)
    for number, entry in enumerate(listing.entries[:3]):
        at = f"{entry.published_at:%Y-%m-%d %H:%MZ}" if entry.published_at else "no date"
        line("first 3" if number == 0 else "", f"{at}  {entry.title[:100]}  {entry.link}")


def show_verdict(warnings: list[str]) -> None:
    """Print the verdict, the last line."""
    count = len(warnings)
    line("verdict", f"good, {count} warning{'s' if count > 1 else ''}" if count else "good")


def interval_in_words(outlook: FeedState) -> str:
    """Return how often a feed will be asked, in words."""
    text = f"every {duration(outlook.interval_seconds)}"
    if outlook.floor_seconds:
        text += f"; floor {duration(outlook.floor_seconds)} from {outlook.floor_reason}"
    return f"{text}; {outlook.rate.per_hour * 24:.1f} entries a day"


def _show_request(trial: Trial) -> None:
    answer = trial.answer
    if answer is None:
        if trial.lost_seconds is not None:
            line("request", f"given up after {trial.lost_seconds:.2f} s")
        return
    targets = [*(hop.url for hop in answer.hops), answer.url][1:]
    for hop, target in zip(answer.hops, targets, strict=True):
        kind = "permanent" if hop.status in (301, 308) else "for now"
        line("request", f"{hop.status} → {target}  ({kind})")
    packed = f" ({size(answer.wire_bytes)} packed)" if answer.wire_bytes < len(answer.body) else ""
    tls = ""
    if answer.url.startswith("https:"):
        tls = "  TLS ok" if trial.feed.verify_tls else "  TLS not checked"
    line("request" if not answer.hops else "",
         f"{answer.status}  {size(len(answer.body))}{packed}  {answer.seconds:.2f} s  "
         f"{answer.address}{tls}")  # fmt: skip


def _show_caching(trial: Trial) -> None:
    answer, again = trial.answer, trial.again
    assert answer is not None
    names = [
        name for name, header in (("ETag", "etag"), ("Last-Modified", "last-modified"))
        if answer.header(header)
    ]  # fmt: skip
    text = " and ".join(names) + " present" if names else "neither ETag nor Last-Modified"
    if again is not None:
        text += f"; second request {again.status}"
    fresh = answers.cache_floor_seconds(answer)
    line("caching", text + (f"; fresh for {duration(fresh)}" if fresh else ""))


# ── times and sizes in words ────────────────────────────────────────────────────────────────


def ago(at: datetime | None, now: datetime) -> str:
    """Return a time relative to now: `3 min ago`, `in 2.0 h`; a dash for None."""
    if at is None:
        return "–"
    seconds = (now - at).total_seconds()
    return f"{duration(seconds)} ago" if seconds >= 0 else f"in {duration(-seconds)}"


def size(count: int) -> str:
    """Return a number of bytes in bytes, KB or MB."""
    if count < 10_000:
        return f"{count} bytes"
    return f"{count / 1000:.0f} KB" if count < 10_000_000 else f"{count / 1e6:.1f} MB"
