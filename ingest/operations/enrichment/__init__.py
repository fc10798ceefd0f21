"""Enriches texts outside the pipeline, and scores the entities found against a person's own."""
