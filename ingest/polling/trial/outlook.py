"""Predicts how often a feed will be polled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ingest.model import Feed
from ingest.polling.document.after_document import DocumentRead, after_document, success_of
from ingest.polling.schedule import planning
from ingest.polling.schedule.planning import solve_kappa
from ingest.polling.schedule.rate import Rate
from ingest.polling.state.feed_state import FeedState
from ingest.polling.trial.feed_trial import Trial
from ingest.settings.options import PollingOptions


def kappa_of(
    feeds: Iterable[Feed], states: Mapping[str, FeedState], options: PollingOptions
) -> float:
    """Return the κ of one poller that owns all these feeds; see planning.solve_kappa."""
    rates = {id: state.rate for id, state in states.items()}
    demands = [
        planning.demand(feed, rates.get(feed.id, Rate()).per_hour, options)
        for feed in feeds
        if feed.enabled
    ]
    if not demands:
        return 1.0
    return solve_kappa(demands, planning.allowance_per_hour(len(demands), options))


def outlook_of(
    trial: Trial,
    feeds: Mapping[str, Feed],
    states: Mapping[str, FeedState],
    options: PollingOptions,
) -> FeedState | None:
    """Return the state expected after the first poll of a feed among these; None if it failed."""
    if trial.answer is None or trial.parsed is None or trial.found is None:
        return None
    before = FeedState(feed_id=trial.feed.id, configured_url=trial.feed.url)
    read = DocumentRead(
        answer=trial.answer,
        parsed=trial.parsed,
        found=trial.found,
        digest="trial",
        parser_version="",
        sent_validators=False,
    )
    after = after_document(before, read, trial.at)
    kappa = kappa_of(
        [*(feed for id, feed in feeds.items() if id != trial.feed.id), trial.feed],
        {**states, trial.feed.id: after},
        options,
    )
    success = success_of(before, read, trial.at)
    return planning.succeeded(after, trial.feed, options, kappa, trial.at, success)
