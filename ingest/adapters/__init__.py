"""Adapters: the outside world, one client library per file."""
