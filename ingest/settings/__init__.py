"""Settings: what config/ and the environment say, checked as a whole before anything starts."""
