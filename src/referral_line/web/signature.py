"""Whether a webhook really comes from our carrier, against the configured public URL.

The carrier's own library does the arithmetic. Rules: twilio.com/docs/usage/webhooks/
webhooks-security and webhook-shared-keys. There is no switch to turn this off.
"""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from twilio.request_validator import HMAC_SHA1, HMAC_SHA256, RequestValidator

Pairs = Sequence[tuple[bytes, bytes]]
"""Every parameter of a form post as opaque bytes, percent-decoded, in order."""


class SignatureVerifier:
    """Checks signatures made with any of our secrets.

    Auth tokens sign with HMAC-SHA1, shared keys with HMAC-SHA256. Which one applies comes from
    the configuration, never from a header of the request, so nobody can ask for the weaker one.
    """

    def __init__(
        self,
        public_url: str,
        *,
        account_sid: str | None = None,
        auth_tokens: Iterable[str] = (),
        shared_keys: Iterable[str] = (),
    ) -> None:
        """Prepare for a base URL; several tokens may be valid while one is rotated.

        ``account_sid`` is the one account whose webhooks are accepted; any if it is not given.
        """
        self.account_sid = account_sid
        self._public_url = public_url.rstrip("/")
        self._prefix = urlsplit(self._public_url).path
        self._secrets = [
            *((secret, HMAC_SHA1) for secret in auth_tokens),
            *((secret, HMAC_SHA256) for secret in shared_keys),
        ]

    def is_valid(self, path: str, query: str, pairs: Pairs, signature: str) -> bool:
        """Check a form post.

        Args:
            path: The raw path, percent-encoding untouched, with the path of the public URL or
                without it, since some proxies take it off.
            query: The raw query, without the question mark.
            pairs: Every parameter of the body; blank and repeated ones count.
            signature: The header ``X-Twilio-Signature``; empty if there was none.
        """
        if not signature:
            return False
        behind = path.removeprefix(self._prefix)
        url = self._public_url + behind + (f"?{query}" if query else "")
        form = _Form(pairs)
        return any(
            RequestValidator(secret).validate(url, form, signature, algorithm)
            or (form.is_binary and _matches(secret, algorithm, url, pairs, signature))
            for secret, algorithm in self._secrets
        )


class _Form(dict[str, list[str]]):
    """Parameters grouped by name, as the library reads them; a plain dict would lose repeats."""

    def __init__(self, pairs: Pairs) -> None:
        super().__init__()
        self.is_binary = False
        for raw_name, raw_value in pairs:
            name, value = (part.decode("utf-8", errors="replace") for part in (raw_name, raw_value))
            self.is_binary |= "\ufffd" in name + value
            self.setdefault(name, []).append(value)

    def getall(self, name: str) -> list[str]:
        return self[name]


def _matches(secret: str, algorithm: str, url: str, pairs: Pairs, signature: str) -> bool:
    """Check bytes that are no UTF-8 as they are, which the library, working on text, can't."""
    signed = b"".join(name + value for name, value in sorted(set(pairs)))
    hash_function = hashlib.sha256 if algorithm == HMAC_SHA256 else hashlib.sha1
    mac = hmac.new(secret.encode(), url.encode() + signed, hash_function)
    return hmac.compare_digest(b64encode(mac.digest()), signature.encode(errors="replace"))
