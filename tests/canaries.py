"""Unmistakable values of a caller, every form one could be kept in, and the search for them."""

import base64
import hashlib
import hmac
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

HASHES = ("md5", "sha1", "sha256", "sha512", "blake2b")
MACS = ("md5", "sha1", "sha256")
RAW_WINDOW = 8
TEXT_WINDOW = 12
"""So many bytes of a hash, or characters of one written down, are enough to know it by, whichever
part of it is kept."""


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
                digits[-6:],  # as some shorten a number before they write it down
            }
        return found


@dataclass(frozen=True, slots=True)
class Needle:
    """The bytes of one form of one canary, and a name for a failure's message.

    ``window`` is how much of it is looked for, wherever it is cut; all of it where it is 0.
    """

    name: str
    value: bytes
    window: int = 0


def needles(canaries: Iterable[Canary], secrets: Mapping[str, bytes]) -> list[Needle]:
    """Every form of every canary: raw, encoded, hashed, hashed with each secret."""
    found: dict[bytes, Needle] = {}
    for canary in canaries:
        for spelling in canary.spellings():
            for form, value in _encoded(spelling):
                if len(value) >= MIN_NEEDLE:
                    found.setdefault(value, Needle(f"{canary.name}, {form}", value))
            if not canary.may_be_hashed:
                for form, value, window in _hashed(spelling, secrets):
                    found.setdefault(value, Needle(f"{canary.name}, {form}", value, window))
    return list(found.values())


MIN_NEEDLE = 6
"""Shorter ones would be found by chance."""


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
        inner = padded[4 if shift else 0 : len(padded) - 4]
        yield "base64", inner
        yield "base64url", inner.translate(_URL_SAFE)


_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def _hashed(text: str, secrets: Mapping[str, bytes]) -> Iterator[tuple[str, bytes, int]]:
    raw = text.encode()
    for name in HASHES:
        yield from _digest(name, hashlib.new(name, raw).digest())
    for name, check in (("crc32", zlib.crc32(raw)), ("adler32", zlib.adler32(raw))):
        yield name, str(check).encode(), 0
        yield f"{name}, hex", f"{check:08x}".encode(), 0
    for secret, key in secrets.items():
        for name in MACS:
            yield from _digest(f"HMAC-{name} with {secret}", hmac.new(key, raw, name).digest())
            yield from _digest(
                f"{name} salted with {secret}", hashlib.new(name, key + raw).digest()
            )


def _digest(name: str, digest: bytes) -> Iterator[tuple[str, bytes, int]]:
    yield f"{name}, raw", digest, RAW_WINDOW
    yield f"{name}, hex", digest.hex().encode(), TEXT_WINDOW
    yield f"{name}, base64", base64.b64encode(digest), TEXT_WINDOW


def search(places: Mapping[str, bytes], wanted: Iterable[Needle]) -> list[str]:
    """Return where something was found, as ``what in where``.

    Capitals and the two alphabets of base64 make no difference to what is looked for in parts.
    """
    sought = list(wanted)
    whole = [needle for needle in sought if not needle.window]
    parts: dict[bytes, set[str]] = {}
    for needle in sought:
        if needle.window:
            for part in _windows(_folded(needle.value, needle.window), needle.window):
                parts.setdefault(part, set()).add(needle.name)
    found = []
    for place, content in places.items():
        found += [f"{needle.name} in {place}" for needle in whole if needle.value in content]
        for window in {needle.window for needle in sought if needle.window}:
            here = set(_windows(_folded(content, window), window))
            names = {name for part in here & parts.keys() for name in parts[part]}
            found += [f"{name} in {place}" for name in sorted(names)]
    return found


def _folded(content: bytes, window: int) -> bytes:
    """Fold what is written down: hex in capitals, base64 for addresses."""
    return content.translate(_URL_SAFE).lower() if window == TEXT_WINDOW else content


def _windows(content: bytes, window: int) -> Iterator[bytes]:
    for start in range(len(content) - window + 1):
        yield content[start : start + window]
