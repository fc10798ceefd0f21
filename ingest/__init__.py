"""The engine of news-ingest: feeds in, a searchable news archive out."""

__version__ = "0.1.0"
