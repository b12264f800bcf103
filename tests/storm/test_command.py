"""``python -m benchmarks.storm``: what it prints, what it writes, how it exits."""

import json

import pytest

pytest.importorskip("orjson", reason="it comes with the extra 'bench'")
pytest.importorskip("rich", reason="it comes with the extra 'bench'")

from rich.console import Console

from benchmarks.storm import judged
from benchmarks.storm.__main__ import main
from benchmarks.storm.judged import Judged
from benchmarks.storm.report import percentile, show
from tests.database_servers import PACKAGES, found


def test_a_run_is_told_and_written(api, tmp_path, capsys):
    api.require(found("postgresql"), f"{PACKAGES['postgresql']}, and the extra 'bench'")
    small = ["--workers", "2", "--claims", "2", "--room", "3", "--rounds", "1", "--relaxed"]
    file = tmp_path / "found.json"
    asked = ["--side", "serial", "-V", "twin:observe=false", "--json", str(file)]
    assert main(["one", "--database", "postgresql", *small, *asked]) == 0
    assert "answers: served" in capsys.readouterr().out
    (sides,) = json.loads(file.read_text())["databases"].values()
    assert {name: [each["usage"] for each in rounds] for name, rounds in sides.items()} == {
        "serial": [[3, 3]],
        "twin": [[3, 3]],
    }


@pytest.mark.parametrize("asked", [["two"], ["one", "--variant", "bare:x=1"], []])
def test_what_it_does_not_know_is_refused(asked, capsys):
    with pytest.raises(SystemExit) as exit_info:
        main(asked)
    assert exit_info.value.code == 2
    assert "usage:" in capsys.readouterr().err


def one(**wrong):
    return Judged(
        wrong={judged.OVER: 0, judged.LOST: 0} | wrong,
        kinds={"served": 2, "full": 1},
        attempts=3,
        acknowledged_per_second=4.0,
        answered_per_second=6.0,
        latencies=[0.1, 0.2, 0.3],
        served_by=[1, 1],
        usage=(2, 2),
        told=["500: oh"] if wrong else [],
    )


def test_faults_are_summed_and_told():
    console = Console(record=True, width=120)
    show("mariadb", {"bare": [one(), one(**{judged.OVER: 3})], "guarded": [one(), one()]}, console)
    lines = {
        line.split("│")[1].strip(): line
        for line in console.export_text().splitlines()
        if "│" in line
    }
    assert "3 (in 1 rounds)" in lines["usage above capacity"]
    assert "4.0 (4.0..4.0)" in lines["acknowledged per second"]


@pytest.mark.parametrize(
    ("seconds", "part", "milliseconds"),
    [([], 99, 0), ([0.5], 50, 500), ([0.1, 0.2, 0.3], 50, 200)],
    ids=["of none", "of one", "of three"],
)
def test_percentiles(seconds, part, milliseconds):
    assert percentile(seconds, part) == pytest.approx(milliseconds)
