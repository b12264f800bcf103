"""A real Redis on loopback, for tests and storms."""

import contextlib
import shutil
import signal
import socket
import subprocess
import time
from typing import Final

PACKAGE: Final = "the Debian package redis-server"

READY_SECONDS: Final = 30
"""How long a server may take until it listens."""


def found():
    """Whether there is one to be started."""
    return shutil.which("redis-server") is not None


class RedisServer:
    """A redis-server on loopback that keeps nothing on disk."""

    def __init__(self, directory, password=""):
        self.directory, self.password = directory, password
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = found.getsockname()[1]
        user = f":{password}@" if password else ""
        self.url = f"redis://{user}127.0.0.1:{self.port}/3"
        self.where = f"redis://127.0.0.1:{self.port}/3"
        self.start()

    def start(self):
        command = [shutil.which("redis-server"), "--port", str(self.port), "--bind", "127.0.0.1"]
        command += ["--save", "", "--appendonly", "no", "--dir", str(self.directory)]
        if self.password:
            command += ["--requirepass", self.password]
        with (self.directory / "redis.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + READY_SECONDS
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            if time.monotonic() > deadline:
                raise RuntimeError((self.directory / "redis.log").read_text())
            time.sleep(0.01)

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.signal(signal.SIGCONT)
        self.kill()

    def ask(self, *command):
        import redis

        with redis.Redis.from_url(self.url, decode_responses=True) as client:
            return client.execute_command(*command)
