"""Connects ports and adapters: the only place that knows both."""
