"""A share of the differential harness with a fixed seed, and the corpus, on each database.

``python -m tests.differential --help`` runs as much of it as one likes.
"""

import pytest

from tests.differential import corpus, servers
from tests.differential.campaign import LEAST_SHARE, Campaign
from tests.differential.cloud import Cloud
from tests.differential.generate import Generator
from tests.differential.sides import running

SEED = 1

MAX_TOLD = 2000
"""How much is said of one finding (characters): some requests are long."""


def campaign(url, number):
    """Send the corpus and ``number`` requests; returns the tally and the findings, told."""
    known = corpus.known(corpus.kind_of(url))
    with running(url) as sides:
        run = Campaign(sides, shrink=False)
        generator = Generator(Cloud(sides.bare.lines), SEED)
        saved = [request for _, _, request in corpus.load()]
        told = []
        for cases in run.play([*saved, *map(generator, range(number))]):
            told += [
                f"{case.finding.verdict}: {case.finding.why}\n    {case.request}"[:MAX_TOLD]
                for case in cases
                if case.finding.signature not in known
            ]
    return run.tally, told


def check(tally, told):
    assert not told, f"{len(told)} findings; the first:\n" + "\n".join(told[:5])
    # What the harness itself owes: valid requests are served, and the others do harm.
    assert tally.served["valid"] > 0.9 * tally.requests["valid"]
    assert tally.share >= LEAST_SHARE


def test_a_guarded_placement_differs_from_a_bare_one_only_where_it_should():
    tally, told = campaign(None, 1500)
    check(tally, told)
    fixed = corpus.known("sqlite") - set(tally.cases)
    assert not fixed, f"no longer there; take 'open' out of the files in corpus/: {fixed}"


@pytest.mark.parametrize("kind", ["mariadb", "postgresql"])
def test_the_same_on_a_database_server(api, kind):
    api.require(servers.found(kind), f"{servers.PACKAGES[kind]}, and the extra 'fuzz'")
    with servers.database(kind) as url:
        check(*campaign(url, 300))
