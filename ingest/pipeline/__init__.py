"""Pipeline: stages, the worker loop, failures, and what they leave behind."""
