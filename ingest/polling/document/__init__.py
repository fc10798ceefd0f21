"""Asking for a feed's document, and what the answer means."""
