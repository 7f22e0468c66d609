"""Whether the proxy in front of the line writes down what callers send: its configuration, read.

Nothing is asked of the proxy itself, since no answer of it tells what it logs.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import crossplane

from referral_line.errors import Danger, Finding

USUAL_PLACES = tuple(
    map(
        Path,
        (
            "/etc/nginx/nginx.conf",
            "/etc/caddy/Caddyfile",
            "/etc/apache2/apache2.conf",
            "/etc/httpd/conf/httpd.conf",
            "/etc/haproxy/haproxy.cfg",
        ),
    )
)
"""Where proxies have their configuration on common systems."""

_REMEDY = "docs/deploying.md, The proxy; for nginx take deploy/nginx/referral-line.conf"
_ENOUGH = 64 * 1024
"""Bytes of the largest webhook the line takes. What does not fit into the buffer becomes a file."""
_MARKS = {
    "nginx": re.compile(r"\b(proxy_pass|server_name|http\s*\{)"),
    "caddy": re.compile(r"\breverse_proxy\b"),
    "apache": re.compile(r"\b(ProxyPass|VirtualHost|LoadModule|IncludeOptional)\b"),
    "haproxy": re.compile(r"^\s*(frontend|backend|listen)\s", re.MULTILINE),
}
_LOGS = {
    "caddy": re.compile(r"^\s*log(\s+\S+)?\s*(\{|$)"),
    "apache": re.compile(r"^\s*(CustomLog|TransferLog)\s", re.IGNORECASE),
    "haproxy": re.compile(r"^\s*(log\s+(?!global)\S|option\s+httplog|log-format\s)"),
}


def check_proxy(paths: Iterable[Path], host: str) -> list[Finding]:
    """Find what a proxy's configuration would write down.

    Args:
        paths: Configuration files. What an nginx' file includes is read too; of other proxies
            only the files given.
        host: The name in the public URL: of an nginx with several servers, its own is looked at.
    """
    return [finding for path in paths for finding in _check(path, host)]


def _check(path: Path, host: str) -> Iterator[Finding]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        what = f"{path} can't be read ({error.strerror}), so its logs were not looked at"
        yield Finding("proxy-unread", Danger.NOTE, what, "run doctor as a user who may read it")
        return
    lines = [re.sub(r"(^|\s)#.*", "", line) for line in text.splitlines()]
    whole = "\n".join(lines)
    kind = next((name for name, mark in _MARKS.items() if mark.search(whole)), None)
    if kind is None:
        what = f"{path} is no configuration of nginx, Caddy, Apache or HAProxy that we know"
        yield Finding("proxy-unknown", Danger.NOTE, what, "see to it that it logs no request")
    elif kind == "nginx":
        yield from _check_nginx(path, host)
    else:
        for number, line in enumerate(lines, start=1):
            if _LOGS[kind].search(line):
                yield _logging(f"{path}:{number}", line.strip())


def _logging(place: str, text: str) -> Finding:
    return Finding(
        "proxy-access-log",
        Danger.EXPOSED,
        f"{place}: the proxy writes requests down: {text}",
        _REMEDY,
    )


# --- nginx: what holds in a block holds in those inside it, until they say otherwise ------------


@dataclass(frozen=True, slots=True)
class _Rule:
    place: str
    words: tuple[str, ...]


_Rules = Mapping[str, _Rule]
_WATCHED = frozenset({"access_log", "error_log", "client_body_buffer_size", "server_name"})


def _check_nginx(path: Path, host: str) -> Iterator[Finding]:
    parsed = crossplane.parse(str(path), combine=True, check_ctx=False, check_args=False)
    for error in parsed["errors"]:
        what = f"{error['file']}: {str(error['error']).partition(' in ')[0]}"
        yield Finding("proxy-unread", Danger.NOTE, what, "nginx -t says more")
    passing = [rules for config in parsed["config"] for rules in _passing(config["parsed"], {})]
    if not passing:
        what = f"{path} passes no request on, so it is not the line's proxy"
        yield Finding("proxy-unknown", Danger.NOTE, what, "name the right one with --proxy-config")
    ours = [rules for rules in passing if host in _words(rules, "server_name")]
    yield from dict.fromkeys(
        finding for rules in ours or passing for finding in _judge(path, rules)
    )


def _passing(block: list[dict[str, Any]], outer: _Rules) -> Iterator[_Rules]:
    """Give the rules that hold wherever requests are passed on."""
    rules = dict(outer)
    for each in block:
        name = each["directive"]
        if name in _WATCHED:
            rules[name] = _Rule(f"{each['file']}:{each['line']}", tuple(each["args"]))
    for each in block:
        if each["directive"] == "proxy_pass":
            yield rules
        yield from _passing(each.get("block", []), rules)


def _words(rules: _Rules, name: str) -> tuple[str, ...]:
    return rules[name].words if name in rules else ()


def _judge(path: Path, rules: _Rules) -> Iterator[Finding]:
    access = rules.get("access_log")
    if access is None:
        yield _logging(str(path), "nginx does unless access_log is off")
    elif access.words[:1] != ("off",):
        yield _logging(access.place, f"access_log {' '.join(access.words)}")
    errors = rules.get("error_log")
    if errors is None or not (
        errors.words[:1] == ("/dev/null",) or errors.words[-1:] == ("emerg",)
    ):
        yield Finding(
            "proxy-error-log",
            Danger.EXPOSED,
            f"{errors.place if errors else path}: nginx' error log quotes the request that failed",
            f"write `error_log stderr emerg;` ({_REMEDY})",
        )
    if _bytes(*_words(rules, "client_body_buffer_size")) < _ENOUGH:
        yield Finding(
            "proxy-writes-bodies",
            Danger.EXPOSED,
            f"{path}: nginx writes large requests to files: client_body_buffer_size is too small",
            f"write `client_body_buffer_size 80k;` ({_REMEDY})",
        )


def _bytes(size: str = "16k") -> int:
    """Return a size in bytes; without one, nginx' own."""
    found = re.fullmatch(r"(\d+)([km]?)", size.casefold())
    return int(found[1]) * {"": 1, "k": 1024, "m": 1024 * 1024}[found[2]] if found else 0
