"""Reports of the poll stage: events, and the health of feeds."""
