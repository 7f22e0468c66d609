"""The one place that sees a request's parameters, and the proof that it is the only one."""

import ast
import asyncio
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from conftest import ROOT
from handset import ACCOUNT, FORM, PUBLIC_URL, TOKEN, sign
from referral_line.content.model import Channel
from referral_line.conversation.position import Input, Position
from referral_line.sessions.session import Session
from referral_line.web.inbound import Inbound, Parameter, read_inbound
from referral_line.web.observing import Turn
from referral_line.web.signature import SignatureVerifier

WEB = ROOT / "src" / "referral_line" / "web"
READ_PARAMETERS = {"Body", "Digits", "NumMedia", "AccountSid"}
READ_HEADERS = {
    "content-type",
    "content-length",
    "cookie",
    "x-twilio-signature",
    "i-twilio-idempotency-token",
}
OF_A_CALLER = {"form", "body", "stream", "query_params", "cookies", "headers", "client", "scope"}
"""Attributes of a request through which something of a caller could come in."""


def test_no_other_parameter_has_a_name() -> None:
    """What is read of a webhook is four parameters; whoever adds one must change this line."""
    assert {parameter.value for parameter in Parameter} == READ_PARAMETERS


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (Inbound, {"given", "token", "delivery"}),
        (Input, {"text", "has_picture", "channel"}),
        (Position, {"language", "node", "turn"}),
        (Session, {"position", "delivery"}),
        (
            Turn,
            {"channel", "before", "after", "is_repeat", "outcome", "failure", "seconds"},
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_no_type_has_a_field_for_a_number(kind: type, names: set[str]) -> None:
    """What goes from room to room has no place to keep who called."""
    assert {field.name for field in fields(kind)} == names
    assert not hasattr(kind, "__dict__") or not isinstance(kind.__dict__.get("__dict__"), property)
    assert "__slots__" in vars(kind)


def uses_of_request(path: Path) -> Iterator[tuple[str, int]]:
    """Every attribute of a variable called ``request``, and its line."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "request"
        ):
            yield node.attr, node.lineno


def test_nothing_else_in_the_web_tier_asks_for_a_caller() -> None:
    """Whatever the variable is called: no attribute, and no ``getattr``, that a caller is behind.

    The verifier sees every parameter, as bytes: it may not pick one by its name.
    """
    for path in WEB.glob("*.py"):
        if path.name in {"inbound.py", "simulator.py"}:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                assert node.attr not in OF_A_CALLER, f"{path.name}:{node.lineno}"
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                assert name not in {"getattr", "vars", "eval"}, f"{path.name}:{node.lineno}"
                if path.name == "signature.py":
                    assert not name.endswith(".get"), f"{path.name}:{node.lineno}"
            if path.name == "signature.py" and isinstance(node, ast.Subscript):
                by = node.slice
                assert not isinstance(by, ast.Constant | ast.JoinedStr), (
                    f"{path.name}:{node.lineno}"
                )


def test_parameters_go_to_two_places_alone() -> None:
    """In the parser, all parameters go to the verifier, and to ``_first``, which takes one."""
    allowed = {"_first", "verifier.is_valid"}
    tree = ast.parse((WEB / "inbound.py").read_text(encoding="utf-8"))
    loads = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node.id == "pairs" and isinstance(node.ctx, ast.Load)
    ]
    passed = [
        argument
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in allowed
        for argument in node.args
        if isinstance(argument, ast.Name) and argument.id == "pairs"
    ]
    inside = [
        node
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef) and function.name in {"_first", "_parse"}
        for node in ast.walk(function)
        if node in loads
    ]
    assert len(passed) == 4
    assert {id(node) for node in loads} == {id(node) for node in (*passed, *inside)}


def test_only_one_module_sees_parameters() -> None:
    """Everywhere else in the web tier a request has a path and nothing more.

    The simulator has requests of its own page, which come from no carrier.
    """
    for path in WEB.glob("*.py"):
        if path.name in {"inbound.py", "simulator.py"}:
            continue
        used = {name for name, _ in uses_of_request(path)}
        assert not used & OF_A_CALLER, path.name
        assert used <= {"path_params"}, path.name


def test_that_module_reads_no_more_than_it_says() -> None:
    """Headers by these names alone, parameters by ``Parameter`` alone, no query by name."""
    source = WEB / "inbound.py"
    assert {name for name, _ in uses_of_request(source)} == {"headers", "stream", "scope"}
    headers, parameters, scopes = set(), set(), set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "request.headers.get":
            headers.add(ast.literal_eval(node.args[0]))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "_first":
            parameters.add(ast.unparse(node.args[1]))
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "request.scope":
            scopes.add(ast.literal_eval(node.slice))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "request.scope.get":
            scopes.add(ast.literal_eval(node.args[0]))
    assert headers == READ_HEADERS
    assert parameters == {
        "Parameter.ACCOUNT_SID",
        "Parameter.NUM_MEDIA",
        "_WORDS_OR_KEYS[channel]",
    }
    assert scopes == {"raw_path", "path", "query_string"}
    assert source.read_text(encoding="utf-8").count("request.headers") == len(READ_HEADERS)


def read(form: list[tuple[str, str]], headers: dict[str, str]) -> Inbound:
    """Let the module read a signed message."""
    raw = {
        "content-type": FORM,
        "x-twilio-signature": sign("/sms", form),
        "i-twilio-idempotency-token": "one",
        **headers,
    }
    body = urlencode(form).encode()

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/sms",
        "raw_path": b"/sms",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in raw.items()],
        "client": ("203.0.113.77", 4711),
    }
    verifier = SignatureVerifier(PUBLIC_URL, account_sid=ACCOUNT, auth_tokens=[TOKEN])
    return asyncio.run(read_inbound(Request(scope, receive), verifier, Channel.SMS))


_WORDS = st.text(st.characters(codec="utf-8"), max_size=20)
_OTHER_NAMES = st.one_of(
    st.sampled_from(["From", "To", "FromCity", "FromZip", "Caller", "CallerName", "MediaUrl0"]),
    st.text(st.characters(min_codepoint=65, max_codepoint=122), min_size=1, max_size=12),
).filter(lambda name: name not in READ_PARAMETERS)


@given(st.lists(st.tuples(_OTHER_NAMES, _WORDS), max_size=8), _WORDS)
def test_every_other_parameter_changes_nothing(others: list[tuple[str, str]], agent: str) -> None:
    """Whoever called, from wherever: what is read is the same."""
    known = [("AccountSid", ACCOUNT), ("Body", "hello"), ("NumMedia", "1")]
    expected = Inbound(
        Input("hello", has_picture=True, channel=Channel.SMS), None, read(known, {}).delivery
    )
    assert read([*others, *known], {"user-agent": agent.encode().hex()}) == expected
