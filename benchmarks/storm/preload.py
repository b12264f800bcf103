"""What every worker needs, imported once in the process that they are forked from."""

import contextlib
import importlib

for name in ("benchmarks.storm.worker", "pymysql", "psycopg2"):
    with contextlib.suppress(ImportError):  # the driver of the other database
        importlib.import_module(name)
