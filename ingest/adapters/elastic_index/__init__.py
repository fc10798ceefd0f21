"""The Index on Elasticsearch."""

from ingest.adapters.elastic_index.index import ElasticIndex

__all__ = ["ElasticIndex"]
