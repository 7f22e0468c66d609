"""Unmistakable values of a caller, every form one could be kept in, and the search for them."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

HASHES = ("md5", "sha1", "sha256", "sha512", "blake2b")
MACS = ("md5", "sha1", "sha256")
HEX_PREFIX = 12
"""Hashes are looked for by their beginning, so that a shortened one is found too."""
RAW_PREFIX = 8


@dataclass(frozen=True, slots=True)
class Canary:
    """Something of a caller that must be found nowhere.

    ``is_number`` adds the ways people and programs write a phone number. ``may_be_hashed`` is for
    what is no identifier of a caller and is kept as a hash by design: our own random session
    token, and the carrier's mark of a delivery.
    """

    name: str
    value: str
    is_number: bool = False
    may_be_hashed: bool = False

    def spellings(self) -> set[str]:
        """The ways this value may be written before it is encoded or hashed."""
        found = {self.value, self.value.lower(), self.value.upper(), self.value.strip()}
        if self.is_number:
            digits = self.value.lstrip("+")
            national = digits.removeprefix("44")
            found |= {
                digits,
                f"00{digits}",
                national,
                f"0{national}",
                f"0{national[:4]} {national[4:]}",
                f"+{digits[:2]} {digits[2:6]} {digits[6:]}",
                digits[::-1],
            }
        return found


@dataclass(frozen=True, slots=True)
class Needle:
    """The bytes of one form of one canary, and a name for a failure's message."""

    name: str
    value: bytes


def needles(canaries: Iterable[Canary], secrets: Mapping[str, bytes]) -> list[Needle]:
    """Every form of every canary: raw, encoded, hashed, hashed with each secret."""
    found: dict[bytes, str] = {}
    for canary in canaries:
        for spelling in canary.spellings():
            for form, value in _encoded(spelling):
                found.setdefault(value, f"{canary.name}, {form}")
            if not canary.may_be_hashed:
                for form, value in _hashed(spelling, secrets):
                    found.setdefault(value, f"{canary.name}, {form}")
    return [Needle(name, value) for value, name in found.items()]


def _encoded(text: str) -> Iterator[tuple[str, bytes]]:
    raw = text.encode()
    yield "raw", raw
    yield "percent-encoded", quote(text, safe="").encode()
    yield "form-encoded", quote_plus(text).encode()
    yield "escaped", json.dumps(text).strip('"').encode()
    yield "UTF-16", text.encode("utf-16-le")
    yield "hex", raw.hex().encode()
    for shift in range(3):
        # Base64 looks different by where a value begins; the ends depend on the neighbours.
        padded = base64.b64encode(bytes(shift) + raw)
        yield "base64", padded[4 if shift else 0 : len(padded) - 4]
        yield (
            "base64url",
            padded[4 if shift else 0 : len(padded) - 4].translate(bytes.maketrans(b"+/", b"-_")),
        )


def _hashed(text: str, secrets: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    raw = text.encode()
    for name in HASHES:
        yield from _digest(name, hashlib.new(name, raw).digest())
    for secret, key in secrets.items():
        for name in MACS:
            mac = f"HMAC-{name} with {secret}"
            yield from _digest(mac, hmac.new(key, raw, name).digest())
            yield from _digest(
                f"{name} salted with {secret}", hashlib.new(name, key + raw).digest()
            )


def _digest(name: str, digest: bytes) -> Iterator[tuple[str, bytes]]:
    yield f"{name}, raw", digest[:RAW_PREFIX]
    yield f"{name}, hex", digest.hex()[:HEX_PREFIX].encode()
    yield f"{name}, HEX", digest.hex()[:HEX_PREFIX].upper().encode()
    yield f"{name}, base64", base64.b64encode(digest)[:HEX_PREFIX]
    yield f"{name}, base64url", base64.urlsafe_b64encode(digest)[:HEX_PREFIX]


def search(places: Mapping[str, bytes], wanted: Iterable[Needle]) -> list[str]:
    """Return where something was found, as ``what in where``."""
    sought = list(wanted)
    return [
        f"{needle.name} in {place}"
        for place, content in places.items()
        for needle in sought
        if len(needle.value) >= MIN_NEEDLE and needle.value in content
    ]


MIN_NEEDLE = 6
"""Shorter ones would be found by chance."""
