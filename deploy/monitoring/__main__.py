"""``python -m deploy.monitoring``: writes rules, scrape configuration and dashboards."""

import argparse
import sys
from pathlib import Path

from deploy.monitoring.alert import DOCS_URL
from deploy.monitoring.files import files


def main(argv: list[str] | None = None) -> int:
    """Write all files below a directory, and say which."""
    parser = argparse.ArgumentParser(prog="python -m deploy.monitoring", description=__doc__)
    parser.add_argument(
        "--docs-url",
        default=DOCS_URL,
        metavar="URL",
        help="where your copy of the documentation is: runbooks are linked there "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--output", type=Path, default=Path(), metavar="DIRECTORY",
        help="where deploy/prometheus and deploy/grafana are written (default: here)",
    )  # fmt: skip
    arguments = parser.parse_args(argv)
    for name, text in files(arguments.docs_url).items():
        path = arguments.output / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
