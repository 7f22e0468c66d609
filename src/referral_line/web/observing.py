"""What becomes of a turn once it is over: counts, metrics, a log line if it failed or was slow."""

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from referral_line.content.completion import unserved_node
from referral_line.content.model import PLACEHOLDER, Channel, Node
from referral_line.conversation.position import Position
from referral_line.replies.line import Line
from referral_line.telemetry.counts import Counts
from referral_line.telemetry.metrics import Metrics

SLOW_SECONDS = 5.0
"""A turn that takes so long is logged: the carrier gives up after 15 seconds."""

_log = logging.getLogger(__name__)


class Outcome(StrEnum):
    """How a turn ended."""

    ANSWERED = "answered"
    REFUSED = "refused"
    """It was no webhook of our carrier."""
    FAILED = "failed"
    """Something broke; the caller got the numbers."""


@dataclass(slots=True)
class Turn:
    """What is known of a turn: positions, and nothing that a caller sent."""

    channel: Channel
    before: Position | None = None
    """Where the conversation stood; ``None`` where it began with this turn."""
    after: Position | None = None
    is_repeat: bool = False
    """Whether the carrier delivered the same message again."""
    outcome: Outcome = Outcome.ANSWERED
    failure: Mapping[str, str] = field(default_factory=dict)
    """What may be logged of an exception: its class and its place in the code."""
    seconds: float = 0.0


def _nobody(tag: str) -> bool:
    del tag
    return False


def log_turn(turn: Turn, *, may_name: Callable[[str], bool] = _nobody) -> None:
    """Log a turn if it failed or was slow, and no other.

    Args:
        turn: The turn.
        may_name: Whether a language is so common that naming it can't single anyone out.
    """
    if turn.outcome is not Outcome.FAILED and turn.seconds <= SLOW_SECONDS:
        return
    fields: dict[str, object] = {"channel": turn.channel.value, **turn.failure}
    if position := turn.after or turn.before:
        fields["node"] = position.node
        if may_name(position.language):
            fields["language"] = position.language
    fields["milliseconds"] = round(turn.seconds * 1000)
    if turn.outcome is Outcome.FAILED:
        _log.error("a turn failed, the caller got the numbers", extra=fields)
    else:
        _log.warning("a turn was slow", extra=fields)


class Observer:
    """Tells counts, metrics and the log of turns."""

    def __init__(self, line: Line, counts: Counts, metrics: Metrics) -> None:
        """Find out, once, which services each node names."""
        self._counts = counts
        self._metrics = metrics
        self._has_ended = line.conversation.has_ended
        roles = line.script.roles
        self._choices = {roles["languages"], roles["more-languages"]}
        owners = {
            name: service.id
            for service in line.directory.services.values()
            if service.is_confirmed
            for name in service.placeholders()
        }
        self._signposts = {
            (channel, node.id): frozenset(
                owners[name] for name in _placeholders(node, channel) if name in owners
            )
            for channel in Channel
            for node in line.script.nodes.values()
        }

    def __call__(self, turn: Turn) -> None:
        """Take note of a turn that is over."""
        self._metrics.turn(turn.channel, turn.outcome, turn.seconds)
        log_turn(turn, may_name=self._counts.is_common)
        if turn.outcome is Outcome.ANSWERED and turn.after and not turn.is_repeat:
            self._count(turn, turn.after)

    def _count(self, turn: Turn, after: Position) -> None:
        is_new = turn.before is None
        if is_new and self._has_ended(after):
            return  # who begins by finishing was not in a conversation
        if is_new:
            self._counts.conversation(turn.channel)
        if self._is_first_in_its_language(turn, after):
            self._counts.language(after.language)
        if after.turn == 0:
            self._counts.signposted(self._signposts[turn.channel, after.node])

    def _is_first_in_its_language(self, turn: Turn, after: Position) -> bool:
        if after.node in self._choices or after.node.startswith(unserved_node("")):
            return False  # nobody knows the caller's language yet, or we don't speak it
        if turn.before is None or turn.before.language != after.language:
            return True
        # A call begins with the choice of language, in the default one.
        return turn.channel is Channel.VOICE and turn.before.node in self._choices


def _placeholders(node: Node, channel: Channel) -> Iterator[str]:
    message = node.prompt(channel)
    yield from re.findall(PLACEHOLDER, message.text if message else "")
