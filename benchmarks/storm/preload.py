"""What every worker needs, imported once in the process that they are forked from."""

import placement.deploy
import psycopg2
import pymysql

import benchmarks.storm.worker
import placement_guard.placement

__all__ = ["benchmarks", "placement", "placement_guard", "psycopg2", "pymysql"]
