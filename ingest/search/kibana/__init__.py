"""Kibana's data views, saved searches and dashboards: written, checked and replayed offline.

`panels` describes, `objects` and `lens` write what Kibana imports, `pack` holds the shipped
pack, `validate` tells what is wrong with any pack, `replay` asks Elasticsearch what Kibana would.
"""
