"""What the poll stage reports: events, and the health of feeds."""
