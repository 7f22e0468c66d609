"""The conversation as a picture: a Mermaid flowchart of nodes and keys."""

from collections.abc import Iterator

from referral_line.content.model import Script


def draw(script: Script) -> str:
    """Return a Mermaid flowchart of the script as written, without the standing keys."""
    return "\n".join(_lines(script)) + "\n"


def _lines(script: Script) -> Iterator[str]:
    yield "flowchart TD"
    for node in script.nodes.values():
        shape = f"([{node.id}])" if node.ends else f"[{node.id}]"
        yield f"    {node.id}{shape}"
        for option in node.options:
            label = option.sms.text if option.sms else ""
            yield f'    {node.id} -->|"{option.key} {label}"| {option.to}'
    for key, role in _standing(script):
        yield f'    every(["every menu"]) -.->|"{key}"| {role}'


def _standing(script: Script) -> Iterator[tuple[str, str]]:
    for name in ("distress", "finish", "languages"):
        option = script.standing[name]
        label = option.sms.text if option.sms else ""
        yield f"{option.key} {label}", script.roles[name]
