"""Polling: which feed is asked when, and what of its answer is new."""
