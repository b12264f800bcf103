"""The options that say when a write may go to Placement, and how often."""

from typing import Final

from oslo_config import cfg

from placement_guard.settings import Settings

_defaults = Settings()

OPTIONS: Final = (
    cfg.BoolOpt(
        "resend",
        default=_defaults.resend,
        help=(
            "Send an allocations write or a reshape again that lost a race inside Placement, from "
            "its beginning and outside of its transaction. Placement's own way of trying again, "
            "inside the transaction, promises the same capacity twice: behind the guard it is "
            "off then, whatever [placement] allocation_conflict_retry_count says. Switch this off "
            "only to see what a bare Placement does."
        ),
    ),
    cfg.IntOpt(
        "resend_attempts",
        default=_defaults.resend_attempts,
        help=(
            "How often one request is sent to Placement at most, the first time included (1 to "
            "50). Nova tries 4 times itself, so a claim may be sent four times as often."
        ),
    ),
    cfg.FloatOpt(
        "resend_seconds",
        default=_defaults.resend_seconds,
        help=(
            "How long after it came, in seconds (at most 60), a request is still sent again. Then "
            "the client gets Placement's 409 placement.concurrent_update, with Retry-After."
        ),
    ),
    cfg.BoolOpt(
        "lanes",
        default=_defaults.lanes,
        help=(
            "Let writes that touch the same resource provider queue for it, so that they rarely "
            "collide inside Placement. An optimisation: without lanes nothing is promised twice "
            "either, but more is sent again. Two races that lose a claim in any Placement are "
            "closed by lanes only: a provider deleted under a claim, and, below microversion 1.28, "
            "two first requests for one consumer."
        ),
    ),
    cfg.IntOpt(
        "lane_width",
        default=_defaults.lane_width,
        help="How many claims on one provider are in Placement at once (1 to 64).",
    ),
    cfg.FloatOpt(
        "lane_wait_seconds",
        default=_defaults.lane_wait_seconds,
        help=(
            "How long, in seconds (at most 30), a request waits for its lanes. Then it goes on "
            "without them, and is counted."
        ),
    ),
    cfg.IntOpt(
        "lane_max_waiting",
        default=_defaults.lane_max_waiting,
        help=(
            "How many requests may wait for one lane on one host (1 to 256). The next one goes on "
            "without its lane, and is counted. Keep it below the number of workers, so that one "
            "hot provider cannot hold them all."
        ),
    ),
    cfg.StrOpt(
        "lane_directory",
        default=_defaults.lane_directory,
        help=(
            "The directory of the lanes of this host, the same for all workers. It is made with "
            "mode 0700, must belong to the user of the workers, and holds one empty file. Default: "
            "/run/placement-guard where that can be used, else placement-guard-<uid> in the "
            "temporary directory."
        ),
    ),
    cfg.StrOpt(
        "coordination_url",
        default=_defaults.coordination_url,
        secret=True,
        help=(
            "The Redis through which several hosts share their lanes, for example "
            "redis://:password@redis.example.org:6379/0; rediss:// and unix:// too. It needs the "
            "extra placement-guard[redis]. While it cannot be reached each host uses lanes of its "
            "own. Default: each host has its own."
        ),
    ),
    cfg.IntOpt(
        "breaker_failures",
        default=_defaults.breaker_failures,
        help=(
            "After how many requests in a row that found the database gone a worker stops asking "
            "Placement, and answers 503 with Retry-After at once (at most 1000); 0 never stops."
        ),
    ),
    cfg.FloatOpt(
        "breaker_seconds",
        default=_defaults.breaker_seconds,
        help=(
            "How long, in seconds (0.1 to 60), a worker that has stopped asking waits before it "
            "lets one request in to see whether the database is back."
        ),
    ),
    cfg.FloatOpt(
        "verify_share",
        default=_defaults.verify_share,
        help=(
            "The share of committed claims, 0 to 1, after which the guard reads what is stored: "
            "whether the claim is, and whether its providers are over-committed, by whomever. What "
            "is found is counted and logged. A claim that went without its lanes is always read."
        ),
    ),
    cfg.BoolOpt(
        "verify_reshapes",
        default=_defaults.verify_reshapes,
        help=(
            "Read back what each committed reshape wrote, of its first 16 providers and consumers, "
            "and compare it with what was asked. A difference is counted and logged."
        ),
    ),
    cfg.IntOpt(
        "limit_claims",
        default=_defaults.limit_claims,
        help=(
            "How many claims (PUT and POST of allocations) are in work at once on one host (at "
            "most 64); 0 sets no limit. Releases and reshapes are under no limit."
        ),
    ),
    cfg.IntOpt(
        "limit_writes",
        default=_defaults.limit_writes,
        help="How many other writes are in work at once on one host, at most 64; 0 sets no limit.",
    ),
    cfg.IntOpt(
        "limit_candidates",
        default=_defaults.limit_candidates,
        help=(
            "How many requests for allocation candidates, by far the dearest reads, are in work "
            "at once on one host, at most 64; 0 sets no limit. Set it below the number of workers, "
            "and they cannot keep claims out."
        ),
    ),
    cfg.FloatOpt(
        "limit_wait_seconds",
        default=_defaults.limit_wait_seconds,
        help=(
            "How long, in seconds (at most 30), a request waits for one of those before it to end. "
            "Then it is answered with 503 and a Retry-After."
        ),
    ),
    cfg.IntOpt(
        "limit_max_waiting",
        default=_defaults.limit_max_waiting,
        help=(
            "How many requests of a kind wait at most (1 to 256). The next is answered with 503 "
            "and a Retry-After at once."
        ),
    ),
    cfg.StrOpt(
        "user_rate",
        default=_defaults.user_rate,
        help=(
            "How many requests one user may send in a time, for example 100/second or 2000 per 5 "
            "minutes. More are answered with 429 and a Retry-After. It needs the extra "
            "placement-guard[limits]. Each worker counts its own; with coordination_url they all "
            "count together. Default: any number."
        ),
    ),
    cfg.StrOpt(
        "project_rate",
        default=_defaults.project_rate,
        help="The same of one project, whoever of it asks.",
    ),
)
"""All of them, in ``[placement_guard]``."""
