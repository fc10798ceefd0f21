"""Requests for a feed's document, and the meaning of the answers."""
