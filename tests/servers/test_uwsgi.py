"""uWSGI workers, each with an application of its own, one sum of their metrics, and one audit."""

import collections
import concurrent.futures
import contextlib
import json
import re
import signal

import pytest

from tests.uwsgi_workers import Workers, counted_by

REQUESTS = 40

OUTCOME = re.compile(r'placement_guard_requests_total\{operation="[^"]*",outcome="(\w+)"\}')

MIX = (
    ("/resource_providers", "GET", None, 200, "served"),
    ("/resource_providers", "POST", {"name": 5}, 400, "rejected"),
    ("/traits/CUSTOM_SEEN", "PUT", None, {201, 204}, "committed"),
    ("/resource_providers/9cb2c1ee-0000-4000-8000-000000000000", "GET", None, 404,
     "refused_by_placement"),
)  # fmt: skip
"""Path, method and body of a request, its answer, and how it is counted."""


@pytest.fixture
def workers(tmp_path, api):
    guard = {"audit": tmp_path / "audit.jsonl"}
    with contextlib.closing(Workers(tmp_path, api, guard)) as workers:
        workers.until_ready()
        workers.until_all_have_loaded()
        yield workers


def outcomes(workers):
    """How many requests ended how, but for those that asked whether it was ready."""
    found = collections.Counter()
    for series, value in workers.metrics().items():
        if (match := OUTCOME.fullmatch(series)) and "root:show" not in series:
            found[match[1]] += int(value)
    return found


class Driver:
    """Sends the mix, and knows how it must be counted."""

    def __init__(self, workers):
        self.workers = workers
        self.sent = collections.Counter()
        self.lost = 0

    def send(self, number):
        path, method, body, status, outcome = MIX[number % len(MIX)]
        try:
            answer = self.workers.ask(path, method, body, OpenStack_API_Version="placement 1.39")
        except OSError:
            self.lost += 1  # with the worker that was killed
            return
        assert answer in (status if isinstance(status, set) else {status})
        self.sent[outcome] += 1

    def burst(self, size=REQUESTS):
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(self.send, range(size)))


def test_two_workers_report_one_sum_on_one_listener_and_write_one_audit(workers, tmp_path):
    def ask(number):
        if number % 2:
            return workers.ask("/resource_providers")
        return workers.ask("/resource_providers", "POST", {"name": 5})

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(2 * REQUESTS)))
    assert answers == [400, 200] * REQUESTS
    counted = workers.metrics()
    served = 'placement_guard_requests_total{operation="resource_providers:list",outcome="served"}'
    refused = (
        'placement_guard_rejections_total{mode="enforce",operation="resource_providers:create",'
        'rule="document.invalid",stage="document"}'
    )
    assert counted[served] == REQUESTS
    assert counted[refused] == REQUESTS
    assert counted["placement_guard_workers"] == 2
    assert counted["placement_guard_in_flight_requests"] == 0
    by_worker = [counted_by(path) for path in workers.files()]
    assert all(by_worker)
    assert len(by_worker) == 2
    workers.close()
    lines = (tmp_path / "audit.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    assert len({record["request_id"] for record in records}) == len(records) == REQUESTS
    assert len({record["process"] for record in records}) == 2
    assert {record["verdict"] for record in records} == {"rejected"}


def test_what_was_counted_outlives_its_workers_and_their_files_do_not_grow_in_number(workers):
    driver = Driver(workers)
    driver.burst()
    files = sorted(workers.counts.iterdir())
    for number in (signal.SIGKILL, signal.SIGTERM) * 2:
        for pid in sorted(workers.pids()):
            workers.kill(pid, number)
        driver.burst()
    assert driver.lost == 0
    assert outcomes(workers) == driver.sent
    assert sorted(workers.counts.iterdir()) == files
    workers.until(lambda: workers.metrics()["placement_guard_workers"] == 2)


def test_of_a_worker_that_is_killed_at_work_no_answer_is_missing_in_the_sum(workers):
    driver = Driver(workers)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        burst = pool.submit(driver.burst, 10 * REQUESTS)
        for pid in sorted(workers.pids()):
            workers.kill(pid)
        burst.result()
    counted = outcomes(workers)
    assert counted.total() >= driver.sent.total()
    assert counted.total() <= driver.sent.total() + driver.lost
    assert all(counted[outcome] >= count for outcome, count in driver.sent.items())
    assert workers.metrics()["placement_guard_in_flight_requests"] == 0


def test_another_worker_takes_the_listener_over(workers):
    driver = Driver(workers)
    driver.burst()
    for _ in range(3):
        before = workers.listening()
        workers.kill(before)
        workers.until(lambda: workers.listening() != before)  # noqa: B023
        assert outcomes(workers) == driver.sent
        driver.burst(8)


@pytest.mark.parametrize("options", [("--enable-threads",), ("--enable-threads", "--threads", "2")])
def test_workers_that_are_forked_from_one_that_has_loaded_listen_too(tmp_path, api, options):
    with contextlib.closing(Workers(tmp_path, api, options=options)) as workers:
        workers.until_ready()
        driver = Driver(workers)
        driver.burst()
        workers.until(workers.listening)
        assert outcomes(workers) == driver.sent
        workers.kill(workers.listening())
        driver.burst()
        workers.until(workers.listening)
        assert outcomes(workers) == driver.sent


def test_that_threads_are_off_is_said_and_a_log_of_json_has_the_parts_of_a_refusal(tmp_path, api):
    made = Workers(tmp_path, api, options=("--lazy-apps",), default={"use_json": True})
    with contextlib.closing(made) as workers:  # of one thread, which uWSGI takes for none
        workers.until_ready()
        assert "Set enable-threads = true" in workers.said
        assert workers.ask("/resource_providers", "POST", {"name": 5}) == 400
        lines = (tmp_path / "placement.log").read_text().splitlines()
    told = [line for line in map(json.loads, lines) if "guard_rule" in line.get("extra", {})]
    [line] = told
    assert line["levelname"] == "INFO"
    assert line["extra"]["guard_rule"] == "document.invalid"
    assert line["extra"]["guard_json_path"] == "$.name"
    assert line["extra"]["guard_operation"] == "resource_providers:create"
    assert line["extra"]["guard_request_id"] == line["context"]["request_id"]
