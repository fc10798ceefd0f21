"""Trial requests of feeds without changes to their state, for the verbs of `feeds`."""
