"""The HTTP client for other people's sites: bounded requests, every address checked."""

from ingest.adapters.http.fetcher import HttpFetcher, user_agent

__all__ = ["HttpFetcher", "user_agent"]
