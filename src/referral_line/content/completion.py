"""From the script as written to the conversation as served: standing keys, forces, transfers.

Each menu gains its standing keys; each police force, and each service a caller may be connected
to, becomes a node of its own. After this, every key of every menu is in one place, and the
engine and the replies read the same menu.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from referral_line.content.model import (
    PLACEHOLDER,
    REPEAT_KEY,
    Channel,
    Connect,
    Directory,
    Node,
    Option,
    Script,
    SendText,
    Service,
)

LANGUAGE_KEYS = ("1", "2", "3", "5", "6", "7", "8")
"""Keys for languages: 4 is distress in every menu, 9 and 0 have their meaning too. Further
languages get numbers of two digits, from 11, which work in text messages."""


def complete(
    script: Script,
    directory: Directory,
    *,
    languages: Sequence[str],
    transfers: Sequence[str] = (),
    can_text_me: bool = False,
) -> Script:
    """Return the script with every node and key that callers will meet.

    Args:
        script: The script as written, checked.
        directory: The services directory.
        languages: Tags served, in menu order; with one only, no key changes language.
        transfers: Ids of services a voice caller may be connected to, the preferred one first.
        can_text_me: Whether a voice caller may ask for the details by text.
    """
    nodes = dict(script.nodes)
    for force in directory.forces.values():
        template = script.templates["force-page" if force.is_confirmed else "force-by-phone"]
        values = {"force-name": force.name, "force-link": force.url}
        nodes[f"force-{force.id}"] = replace(template, id=f"force-{force.id}", values=values)
    if "force" in nodes:
        typed = {
            name: f"force-{force.id}"
            for force in directory.forces.values()
            for name in (force.name, force.id.replace("-", " "), *force.also)
        }
        nodes["force"] = replace(nodes["force"], typed=typed)
    extra: dict[str, list[Option]] = {}
    for node in script.nodes.values():
        service = _transferable(node, directory, transfers)
        if service is not None:
            nodes.update(_transfer(node, service, script))
            extra.setdefault(node.id, []).append(
                replace(script.standing["transfer"], to=f"transfer-{node.id}")
            )
        if can_text_me and any(True for _ in _services(node, Channel.SMS, directory)):
            nodes.update(_text_me(node, script))
            extra.setdefault(node.id, []).append(
                replace(script.standing["text-me"], to=f"text-me-{node.id}")
            )
    finished = {
        node.id: replace(node, options=_menu(node, script, languages, extra.get(node.id, ())))
        for node in nodes.values()
    }
    return replace(script, nodes=finished)


def _menu(
    node: Node, script: Script, languages: Sequence[str], extra: Sequence[Option]
) -> tuple[Option, ...]:
    """Every key of a node: its own, then the standing ones, in the order of the keypad."""
    if node.ends or isinstance(node.action, Connect | SendText):
        return ()
    roles, standing = script.roles, script.standing
    options = [*node.options, *extra]
    if node.id == roles["languages"]:
        keys = (*LANGUAGE_KEYS, *map(str, range(11, 11 + len(languages))))
        options += [
            Option(key=key, to=roles["start"], language=tag)
            for key, tag in zip(keys, languages, strict=False)
        ]
    if node.id != roles["distress"]:
        options.append(replace(standing["distress"], to=roles["distress"]))
    if node.id == roles["start"]:
        options.append(replace(standing["finish"], to=roles["finish"]))
    elif node.id != roles["languages"]:
        options.append(replace(standing["back"], to=node.back or roles["start"]))
    if len(languages) > 1 and node.id != roles["languages"]:
        options.append(replace(standing["languages"], to=roles["languages"]))
    options.append(replace(standing["repeat"], to=node.id))
    return tuple(sorted(options, key=_keypad_order))


def _keypad_order(option: Option) -> int:
    """1 to 9, then numbers of two digits, then 0, then the star."""
    return {"0": 100, REPEAT_KEY: 101}.get(option.key) or int(option.key)


def _services(node: Node, channel: Channel, directory: Directory) -> Iterator[Service]:
    """The confirmed services that a node's prompt names by phone, in the order named."""
    prompt = node.prompt(channel)
    for name in re.findall(PLACEHOLDER, prompt.text if prompt else ""):
        service = directory.services.get(name)
        if service is not None and service.is_confirmed:
            yield service


def _transferable(node: Node, directory: Directory, transfers: Sequence[str]) -> Service | None:
    """Return the service a node connects to: of those it names, the operator's first."""
    named = {service.id: service for service in _services(node, Channel.VOICE, directory)}
    return None if node.ends else next((named[id_] for id_ in transfers if id_ in named), None)


def _transfer(node: Node, service: Service, script: Script) -> dict[str, Node]:
    warn, act, after = (f"{name}-{node.id}" for name in ("transfer", "transferring", "transferred"))
    warning, acting = script.templates["transfer"], script.templates["transferring"]
    values = {"service-name": service.name, "service-phone": service.phone}
    return {
        warn: replace(
            warning,
            id=warn,
            values=values,
            back=node.id,
            options=tuple(replace(option, to=act) for option in warning.options),
        ),
        act: replace(acting, id=act, action=Connect(service.phone_e164, then=after)),
        after: replace(script.templates["transferred"], id=after, values=values, back=node.id),
    }


def _text_me(node: Node, script: Script) -> dict[str, Node]:
    warn, act = f"text-me-{node.id}", f"texted-{node.id}"
    warning, acting = script.templates["text-me"], script.templates["texted"]
    return {
        warn: replace(
            warning,
            id=warn,
            back=node.id,
            options=tuple(replace(option, to=act) for option in warning.options),
        ),
        act: replace(acting, id=act, action=SendText(of=node.id)),
    }
