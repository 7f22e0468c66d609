"""Faults and errors: what an operator reads when something is wrong."""

import inspect

import redis.exceptions

from referral_line import errors
from referral_line.errors import Fault, FaultsFound, ReferralLineError, Severity
from referral_line.sessions.redis_store import STORE_AWAY


def test_fault_prints_file_line_place_and_text() -> None:
    """A fault is one line that editors can jump to."""
    fault = Fault("script.toml", 12, "home", "unknown node 'hom'")
    assert str(fault) == "script.toml:12: error: home: unknown node 'hom'"


def test_fault_without_line_prints_none() -> None:
    """Where there is no line, none is invented."""
    fault = Fault("environment", None, "REDIS_URL", "is not set", Severity.WARNING)
    assert str(fault) == "environment: warning: REDIS_URL: is not set"


def test_faults_found_keeps_every_fault() -> None:
    """The error carries all of them, in order, and prints a line each."""
    faults = [Fault("a", 1, "x", "one"), Fault("b", 2, "y", "two")]
    assert FaultsFound(faults).faults == tuple(faults)
    assert str(FaultsFound(faults)).splitlines() == [str(fault) for fault in faults]


def test_every_error_is_drawn_in_the_tree() -> None:
    """The docstring of the room shows every error there is, and each has one root."""
    for name, found in inspect.getmembers(errors, inspect.isclass):
        if issubclass(found, Exception):
            assert issubclass(found, ReferralLineError)
            assert name in (errors.__doc__ or "")


def test_every_redis_error_is_one_the_store_maps() -> None:
    """The store maps every error the library may raise; one of a new root fails here."""
    # A forked child with its parent's pool, a cluster policy set by hand: we have neither.
    never = {"ChildDeadlockedError", "IncorrectPolicyType"}
    for name, found in inspect.getmembers(redis.exceptions, inspect.isclass):
        if issubclass(found, Exception) and found.__module__ == "redis.exceptions":
            assert name in never or issubclass(found, STORE_AWAY), name
