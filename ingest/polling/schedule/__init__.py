"""The times of polls: rates, intervals, and the queue of due feeds."""
