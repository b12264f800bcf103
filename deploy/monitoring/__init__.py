"""Alerts, rules and dashboards for Prometheus and Grafana, made as code.

``python -m deploy.monitoring`` writes them all, for a place of the documentation of your own.
"""
