"""Describes the Kibana pack (`panels`, `pack`) and writes what Kibana imports (`objects`, `lens`)."""
