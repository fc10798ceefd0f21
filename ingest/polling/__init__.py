"""Polling: plans the polls of feeds, and finds the new entries of their documents."""
