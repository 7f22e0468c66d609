"""The one small value kept between two messages, and the random token that finds it again."""

import hashlib
import re
import secrets
from dataclasses import dataclass

from referral_line.conversation.position import Position, parse_position

TOKEN_BYTES = 24
"""192 random bits; nobody finds another caller's conversation by trying."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]{22,128}")
_DELIVERY = re.compile(r"[0-9a-f]{16}|-")


@dataclass(frozen=True, slots=True)
class Session:
    """Where a conversation stands, and a mark of the delivery that brought it there.

    The mark is a hash of the carrier's idempotency token: when the same delivery comes again, the
    same reply is given again. Nothing else is kept, and no text of the caller.
    """

    position: Position
    delivery: str = "-"

    def __str__(self) -> str:
        """Return the stored form: ``pl/paid/0 1f2e3d4c5b6a7988``."""
        return f"{self.position} {self.delivery}"


def parse_session(stored: str) -> Session | None:
    """Read the stored form back; ``None`` for anything else."""
    first, _, delivery = stored.partition(" ")
    position = parse_position(first)
    if position is None or not _DELIVERY.fullmatch(delivery):
        return None
    return Session(position, delivery)


def make_token() -> str:
    """Make a token for a new conversation: random, with no meaning inside."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def is_token(value: str) -> bool:
    """Whether a cookie looks like a token of ours; anything else begins a new conversation."""
    return _TOKEN.fullmatch(value) is not None


def session_key(token: str) -> str:
    """Return the name a session is stored under: the token's hash, so the store can't tell it."""
    return hashlib.sha256(token.encode()).hexdigest()


def delivery_mark(idempotency_token: str) -> str:
    """Return what is kept of an idempotency token: enough to know the same one again."""
    if not idempotency_token:
        return "-"
    return hashlib.sha256(idempotency_token.encode(errors="replace")).hexdigest()[:16]
