"""Nothing is found where nothing is wrong, and nothing but GET is ever sent."""

import re

import pytest


def test_nothing_is_found(cloud):
    code, out, err = cloud.run()
    assert (code, err) == (0, "")
    assert re.fullmatch(
        r"Nothing found in 10 providers and 9 consumers, with \d+ requests\.\n", out
    )


def test_only_get_is_sent(cloud):
    cloud.run()
    assert {method for method, _ in cloud.between.asked} == {"GET"}
    paths = {re.sub(r"[0-9a-f-]{36}", "*", url.partition("?")[0]) for _, url in cloud.between.asked}
    assert paths == {
        "/",
        "/resource_classes",
        "/traits",
        "/resource_providers",
        "/resource_providers/*/inventories",
        "/resource_providers/*/allocations",
        "/resource_providers/*/usages",
        "/allocations/*",
        "/usages",
    }


def test_nothing_is_asked_twice(cloud):
    cloud.run("--concurrency", "1")
    assert len(cloud.between.asked) == len(set(cloud.between.asked))


@pytest.mark.parametrize(
    ("only", "paths"),
    [
        (["provider"], 2),
        (["inventory"], 2 + 10),
        (["usage.above_capacity"], 2 + 20),
        (["consumer.not_uuid"], 2 + 10),
        (["consumer.two_trees"], 2 + 10 + 4),  # of nine consumers, those on several trees
        (["suspicious"], 2 + 20 + 9),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, list) else "",
)
def test_no_more_is_asked_than_what_is_looked_for_needs(cloud, only, paths):
    words = [word for kind in only for word in ("--only", kind)]
    assert cloud.found(*words) == set()
    assert len(cloud.between.asked) == paths


def test_one_provider(cloud):
    uuid = cloud.named("compute-0")
    done = cloud.scan("--provider", uuid.upper())
    assert (done.code, done.findings) == (0, [])
    assert (done.summary["providers"], done.summary["consumers"]) == (1, 2)
    assert ("GET", f"/resource_providers?in_tree={uuid}") in cloud.between.asked
    asked = {url for _, url in cloud.between.asked if url.startswith("/resource_providers/")}
    own = {f"/resource_providers/{uuid}/{of}" for of in ("inventories", "usages", "allocations")}
    # The root of the shared disk, which is in another tree.
    assert asked == {*own, f"/resource_providers/{cloud.named('storage')}"}
    assert set(done.summary["not_checked"]) == {"allocation.no_provider", "consumer.two_spellings"}
    assert "not looked for: consumer.two_spellings: it shows only in a scan of all" in done.err


def test_a_provider_that_is_not_there(cloud):
    code, out, err = cloud.run("--provider", cloud.named("nobody"))
    assert code == 2
    assert f"there is no provider {cloud.named('nobody')}\n" in err
    assert "Not all was read" in out


@pytest.mark.parametrize("version", ["1.14", "1.37"])
def test_an_older_placement(cloud, version):
    """What it tells is as old as the microversion; its code is that of the installed one."""
    body = f'{{"versions": [{{"min_version": "1.0", "max_version": "{version}"}}]}}'.encode()
    cloud.between.before("^/$", lambda: ("200 OK", [], body))
    done = cloud.scan()
    assert (done.code, done.findings) == (0, [])
    assert done.summary["microversion"] == version
    assert done.summary["consumers"] == 9
    assert set(done.summary["not_checked"]) == {"consumer.migration"}
    assert done.err == (
        "placement-guard scan: not looked for: consumer.migration: "
        "Placement tells it from microversion 1.38 on\n"
    )


def test_a_newer_placement(cloud):
    body = b'{"versions": [{"min_version": "1.0", "max_version": "1.99"}]}'
    cloud.between.before("^/$", lambda: ("200 OK", [], body))
    assert cloud.scan().summary["microversion"] == "1.39"
