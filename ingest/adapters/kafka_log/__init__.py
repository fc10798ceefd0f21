"""The log on Apache Kafka."""

from ingest.adapters.kafka_log.log import KafkaLog

__all__ = ["KafkaLog"]
