"""Processors: extraction and the enrichers, one concern a file."""
