"""Feeds looked at without polling them, for the verbs of `feeds`."""
