"""Outgoing records: their content, and how they are appended to the log."""
