"""``python -m tests.browser.screenshots``: the pictures of the status page in docs/images."""

import base64
import math
import random
import tempfile
import time
import types
from pathlib import Path

import msgspec

from placement_guard.observers.board.facts import Minute, Snapshot
from tests import conftest
from tests.browser.chromium import PHONE, browser, look
from tests.browser.conftest import started

FOLDER = Path(__file__).parents[2] / "docs/images"

PICTURES = {
    "status-light": ((1280, 1420), "light"),
    "status-dark": ((1280, 1420), "dark"),
    "status-phone": (PHONE, "light"),
}


def an_hour(path):
    """The board of a worker that was here for an hour, and is gone."""
    rng, now = random.Random(3), int(time.time() // 60)
    minutes = []
    for ago in range(59, 2, -1):
        storm = 1 + 6 * math.exp(-(((ago - 22) / 3) ** 2))
        requests = int(1500 + 400 * math.sin(ago / 7) + rng.randrange(200))
        rejected, conflicts = rng.randrange(4), int(rng.randrange(6, 14) * storm)
        refused = rejected + (30 if 40 < ago < 44 else 0)
        whole = requests * 0.0081
        minutes.append(Minute(now - ago, requests, refused, conflicts, 0, whole, whole * 0.93))
    of = {"slot": "w200", "pid": 1, "started": now * 60.0, "written": now * 60.0, "version": ""}
    path.write_bytes(msgspec.json.encode(Snapshot(**of, minutes=tuple(minutes))))


def main():
    api = types.SimpleNamespace(require=conftest.require, write_conf=conftest.write_conf)
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as directory, browser() as chromium:
        workers = started(Path(directory), api)
        try:
            an_hour(workers.counts / "board_w200.json")
            for _ in range(6):
                workers.load.round()
            chromium.get(f"http://127.0.0.1:{workers.metrics_port}/")
            for name, (size, scheme) in PICTURES.items():
                look(chromium, size, scheme)
                shot = {"format": "webp", "quality": 85, "captureBeyondViewport": False}
                taken = chromium.execute_cdp_cmd("Page.captureScreenshot", shot)["data"]
                (FOLDER / f"{name}.webp").write_bytes(base64.b64decode(taken))
        finally:
            workers.close()


if __name__ == "__main__":
    main()
