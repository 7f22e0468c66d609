"""From the script as written to the conversation as served: standing keys, languages, forces.

Each menu gains its standing keys; each police force, each language we don't speak, and each
service a caller may be connected to, becomes a node of its own. After this, every key of every
menu is in one place, and the engine and the replies read the same menu.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

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
"""Keys for the first languages: 4 is distress in every menu, 0 leads to the others, which have
their codes of two digits."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A language that callers may choose, by its tag or its code of two digits."""

    tag: str
    code: str
    is_spoken: bool = True
    """Whether it can be heard in a call: by a voice of the carrier's or by recordings."""


@dataclass(frozen=True, slots=True)
class Unserved:
    """A language that the line knows of and doesn't speak."""

    tag: str
    name: str
    """Its name in itself, or in English where that is not known."""
    english_name: str
    names: tuple[str, ...]
    """Whatever its speakers may call it."""
    answered_in: str
    """The tag of the language that its speakers are answered in."""


def complete(
    script: Script,
    directory: Directory,
    *,
    languages: Sequence[Offer],
    unserved: Sequence[Unserved] = (),
    transfers: Sequence[str] = (),
    can_text_me: bool = False,
) -> Script:
    """Return the script with every node and key that callers will meet.

    Args:
        script: The script as written, checked.
        directory: The services directory.
        languages: Languages served, in menu order; with one only, no key changes language.
        unserved: Languages that are not, each of which gets a node.
        transfers: Ids of services a voice caller may be connected to, the preferred one first.
        can_text_me: Whether a voice caller may ask for the details by text.
    """
    nodes = dict(script.nodes)
    for force in directory.forces.values():
        template = script.templates["force-page" if force.is_confirmed else "force-by-phone"]
        values = {"force-name": force.name, "force-link": force.url}
        nodes[f"force-{force.id}"] = replace(template, id=f"force-{force.id}", values=values)
    for other in unserved:
        nodes[unserved_node(other.tag)] = replace(
            script.templates["unserved"],
            id=unserved_node(other.tag),
            values={"language-name": other.name, "language-english": other.english_name},
            language=other.answered_in,
        )
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


def unserved_node(tag: str) -> str:
    """Return the node that answers in a language the line doesn't speak.

    >>> unserved_node("sr-Latn")
    'unserved-sr-latn'
    """
    return f"unserved-{tag.casefold()}"


def _languages(start: str, languages: Sequence[Offer], *, is_first: bool) -> Iterator[Option]:
    """The keys of the first languages, or the codes of the others, as each channel has them."""
    for channel in Channel:
        offers = [o for o in languages if channel is Channel.SMS or o.is_spoken]
        keys = (*LANGUAGE_KEYS, *(offer.code for offer in offers[len(LANGUAGE_KEYS) :]))
        part = slice(len(LANGUAGE_KEYS)) if is_first else slice(len(LANGUAGE_KEYS), None)
        for key, offer in list(zip(keys, offers, strict=False))[part]:
            yield Option(key=key, to=start, language=offer.tag, channel=channel)


def _menu(
    node: Node, script: Script, languages: Sequence[Offer], extra: Sequence[Option]
) -> tuple[Option, ...]:
    """Every key of a node: its own, then the standing ones, in the order of the keypad."""
    if node.ends or isinstance(node.action, Connect | SendText):
        return ()
    roles, standing = script.roles, script.standing
    options = [*node.options, *extra]
    lists = (roles["languages"], roles["more-languages"])
    if node.id in lists:
        options += _languages(roles["start"], languages, is_first=node.id == lists[0])
    if node.id != roles["distress"]:
        options.append(replace(standing["distress"], to=roles["distress"]))
    if node.id == roles["start"]:
        options.append(replace(standing["finish"], to=roles["finish"]))
    elif node.id != roles["languages"]:
        options.append(replace(standing["back"], to=node.back or roles["start"]))
    if len(languages) > 1 and node.id != roles["more-languages"]:
        # From the list of languages the same key leads on to the rest of it.
        others = lists[1] if node.id == lists[0] else lists[0]
        options.append(replace(standing["languages"], to=others))
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
