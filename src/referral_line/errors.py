"""Everything that can go wrong, for people to read.

::

    ReferralLineError
    ├── FaultsFound          a file or setting is wrong; carries every fault, not the first
    │   ├── SettingsError    the environment
    │   ├── ContentError     the script or the services directory
    │   └── CatalogueError   one language: its catalogue, or the replies made from it
    ├── CarrierError         the carrier's API could not be used
    │   └── CarrierRefusedError     (in carrier.api) it answered with a refusal: status and code
    └── SessionStoreError    the session store did not answer in time

The first branch happens before the first call, to an operator; the second to an operator's command.
The last can happen during a turn; the web tier answers all the same, so a caller never meets an
exception.
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


class Danger(StrEnum):
    """What a finding about a deployment means, the worst first."""

    DOWN = "down"
    """Callers are not answered."""
    EXPOSED = "exposed"
    """Somebody could learn who called."""
    RISK = "risk"
    """It will harm callers one day, or harms some of them now."""
    NOTE = "note"
    """Nothing is wrong; an operator should know it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found out about a deployment, and what to do about it.

    ``id`` names the kind of finding for scripts, in lower case with hyphens.
    """

    id: str
    danger: Danger
    text: str
    remedy: str


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


class CarrierError(ReferralLineError):
    """The carrier's API did not do what was asked. Says what happened and what to do.

    Never holds a record's id, a number or an address of the API: an id leads back to a caller.
    """


class SessionStoreError(ReferralLineError):
    """The session store did not answer. The turn goes on without it."""
