"""Everything that can go wrong, for people to read.

::

    ReferralLineError
    ├── FaultsFound          a file or setting is wrong; carries every fault, not the first
    │   ├── SettingsError    the environment
    │   ├── ContentError     the script or the services directory
    │   └── CatalogueError   one language: its catalogue, or the replies made from it
    └── SessionStoreError    the session store did not answer in time

The first branch happens before the first call, to an operator. The second can happen during a
turn; the web tier answers all the same, so a caller never meets an exception.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a fault matters."""

    ERROR = "error"
    """Callers would be harmed: what carries it is not served."""
    WARNING = "warning"
    """Worth an operator's eyes; served all the same."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: where, what, and what to do about it."""

    file: str
    line: int | None
    place: str
    text: str
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        """Print as ``file:line: severity: place: text``, which editors can jump to."""
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{where}: {self.severity}: {self.place}: {self.text}"


class ReferralLineError(Exception):
    """The root of every error of this package."""


class FaultsFound(ReferralLineError):  # noqa: N818 - it says what happened, and reads well
    """Something an operator wrote is wrong. ``faults`` has every fault found."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        """Keep every fault, in the order found."""
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class SettingsError(FaultsFound):
    """The environment can't be used as it is."""


class ContentError(FaultsFound):
    """The script or the services directory can't be used as it is."""


class CatalogueError(FaultsFound):
    """A language can't be served as it is."""


class SessionStoreError(ReferralLineError):
    """The session store did not answer. The turn goes on without it."""
