"""The way out to the sites of strangers: HTTP within bounds, every address judged."""

from ingest.adapters.http.fetcher import HttpFetcher, user_agent

__all__ = ["HttpFetcher", "user_agent"]
