"""A process that takes lanes as it is told, and a storm that checks who is in them.

``worker.py JSON`` with the arguments of ``open_lanes``; then a line of JSON on standard input for
each command, and one on standard output for each result.
"""

import json
import mmap
import os
import random
import sys
import time

from placement_guard.lanes import Lane, open_lanes

ALONE = 100
"""What who is in a lane alone writes on the board."""


class Board:
    """Who is in which lane, in a file: a row of bytes for each name, a byte for each worker."""

    def __init__(self, path, names, workers):
        self.names, self.workers = names, workers
        size = len(names) * workers
        fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.ftruncate(fd, size)
        self.bytes = mmap.mmap(fd, size)
        os.close(fd)

    def write(self, name, worker, value):
        self.bytes[self.names.index(name) * self.workers + worker] = value

    def wrong(self, name, width):
        """What is wrong with this lane now, or None."""
        start = self.names.index(name) * self.workers
        row = sorted(filter(None, self.bytes[start : start + self.workers]))
        if row in ([], [ALONE]) or (ALONE not in row and len(row) <= width):
            return None
        return f"{name}: {row}"


def storm(
    lanes, number, *, board, names, workers, width, turns, seconds=60, alone=0.0, most=1, rest=0.0
):
    """Take ``turns`` turns in lanes by chance; say what was wrong, and how often each result came.

    ``alone`` is the share of turns that want one of their lanes alone, ``most`` the most lanes of a
    turn, ``rest`` how long (seconds) each is held.
    """
    chance, board = random.Random(number), Board(board, names, workers)
    wrong, results, order = [], {}, []
    for _ in range(turns):
        chosen = chance.sample(names, chance.randint(1, most))
        wanted = [Lane(n, alone=i == 0 and chance.random() < alone) for i, n in enumerate(chosen)]
        with lanes.hold(wanted, seconds=seconds) as hold:
            results[hold.result] = results.get(hold.result, 0) + 1
            if hold.result != "held":
                continue
            order.append(time.monotonic())
            for lane in wanted:
                board.write(lane.name, number, ALONE if lane.alone else 1)
            wrong += filter(None, (board.wrong(name, width) for name in chosen))
            time.sleep(rest)
            wrong += filter(None, (board.wrong(name, width) for name in chosen))
            for name in chosen:
                board.write(name, number, 0)
    return {"wrong": wrong, "results": results, "order": order}


def main():
    options = json.loads(sys.argv[1])
    if options["url"]:
        from placement_guard.lanes import server

        server.CONNECT_SECONDS = server.ANSWER_SECONDS = 3  # a busy machine is no outage
    lanes = open_lanes(**options)
    answer({"state": lanes.state()})
    hold = None
    for line in sys.stdin:
        command = json.loads(line)
        match command.pop("do"):
            case "hold":
                if hold is not None:
                    hold.release()
                wanted = [Lane(*lane) for lane in command.pop("lanes")]
                hold = lanes.hold(wanted, **command)
                answer({"result": hold.result, "waited": hold.waited, "driver": hold.driver})
            case "release":
                hold.release()
                answer({"lost": hold.lost})
            case "storm":
                answer(storm(lanes, **command))


def answer(value):
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
