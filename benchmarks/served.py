"""Two uWSGI workers with one Placement, bare or guarded, for as long as they are asked."""

import contextlib
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.uwsgi_workers import UWSGI, free_port

PROCESSES = 2

START_SECONDS = 60
"""How long they may take to answer."""

MODULES = {
    "bare": "placement.wsgi.api:application",
    "guarded": "placement_guard.wsgi:application",
}


def configure(directory: Path, database: str, **guard: object) -> dict[str, str]:
    """Write a configuration; the environment with which Placement reads it."""
    lines = ["[api]", "auth_strategy = noauth2"]
    lines += ["[placement_database]", f"connection = {database}", "sync_on_startup = true"]
    lines += ["[placement_guard]", *(f"{name} = {value}" for name, value in guard.items())]
    (directory / "placement.conf").write_text("\n".join(lines) + "\n", "utf-8")
    (counts := directory / "counts").mkdir(exist_ok=True)
    return {
        **os.environ,
        "OS_PLACEMENT_CONFIG_DIR": str(directory),
        "PROMETHEUS_MULTIPROC_DIR": str(counts),
    }


@contextlib.contextmanager
def served(side: str, directory: Path, database: str) -> Iterator[str]:
    """The address of a side: a key of MODULES."""
    environment = configure(directory, database, metrics_port=free_port())
    # The schema and the standard names, before two workers would write them at once.
    prepare(environment)
    address = f"127.0.0.1:{free_port()}"
    command = [
        UWSGI or "uwsgi", "--http-socket", address, "--master", "--processes", str(PROCESSES),
        "--threads", "1", "--enable-threads", "--lazy-apps", "--need-app", "--die-on-term",
        "--disable-logging", "--module", MODULES[side], "--home", sys.prefix,
    ]  # fmt: skip
    with (directory / "uwsgi.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        _until_ready(f"http://{address}/", process, directory / "uwsgi.log")
        yield f"http://{address}"
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def prepare(environment: Mapping[str, str]) -> None:
    """Have a Placement make its schema and its standard names."""
    first = "from placement.wsgi import init_application; init_application()"
    subprocess.run([sys.executable, "-c", first], env=environment, check=True, capture_output=True)


def _until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=1) as answer:
            if answer.status == 200:
                return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"uWSGI did not start: {log.read_text('utf-8', 'replace')[-2000:]}")
        time.sleep(0.1)
