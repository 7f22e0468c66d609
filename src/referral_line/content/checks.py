"""What may never reach a caller, found before the first call, with file, line and node."""

import re
from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import date, timedelta
from itertools import pairwise

from referral_line.content.completion import Offer, complete
from referral_line.content.model import (
    CARRIER_WORDS,
    MAX_KEYS_TO_REFERRAL,
    MAX_SPOKEN_CHOICES,
    PLACEHOLDER,
    Channel,
    Directory,
    Message,
    Node,
    Option,
    Script,
    latest_day,
)
from referral_line.errors import Fault, Severity

STALE_AFTER = timedelta(days=200)
"""Facts on services are due for confirmation after this time (rules for use, services.toml)."""

MAX_LABEL_WORDS = 5
"""A menu line of a text message is the key and five words or fewer."""

_LINK_BY_HAND = re.compile(r"https?://\S+|\bwww\.\S+")
_DIGITS = re.compile(r"\d[\d ]*\d|\d")
_CARRIER_CAPITALS = re.compile(
    r"\b(" + "|".join(sorted(word.upper() for word in CARRIER_WORDS)) + r")\b"
)
_PARTS = {Channel.SMS: re.compile(r"\n"), Channel.VOICE: re.compile(r"\n\s*\n")}
"""What is left out of a reply as a whole: a line of a message, a paragraph of speech."""
_OWN_VALUES = {
    "phrase/more/sms": frozenset({"languages"}),
    "phrase/offer/voice": frozenset({"key"}),
    "phrase/again/sms": frozenset({"samaritans", "police-999"}),
    "phrase/again/voice": frozenset({"samaritans", "police-999"}),
    "unserved": frozenset({"language-name", "language-english"}),
    "force-page": frozenset({"force-name", "force-link"}),
    "force-by-phone": frozenset({"force-name"}),
    "transfer": frozenset({"service-name", "service-phone"}),
    "transferred": frozenset({"service-name", "service-phone"}),
    "privacy/sms": frozenset({"session-minutes"}),
}
"""What is filled in at a place, beside the directory: by node, or by message."""
_HOURS = re.compile(r"\b(day (and|or) night|at any time|24 hours|always open)\b", re.IGNORECASE)


def check_script(script: Script, directory: Directory) -> list[Fault]:
    """Return every fault of the conversation as callers would meet it, in the order of the file."""
    faults = [*_check_targets(script), *_check_keys(script), *_check_messages(script, directory)]
    if any("unknown node" in fault.text for fault in faults):
        return sorted(faults, key=_by_line)
    whole = complete(script, directory, languages=(Offer("en", "20"), Offer("cy", "21")))
    faults += _check_ways(script, whole, directory)
    faults += _check_referrals(script, whole, directory)
    return sorted(faults, key=_by_line)


def check_services(directory: Directory, *, today: date) -> list[Fault]:
    """Return the directory's faults; facts older than 200 days are warnings."""
    faults = list(_check_entries(directory, today))
    return sorted(faults, key=_by_line)


def _by_line(fault: Fault) -> int:
    return fault.line or 0


def _places(script: Script) -> Iterator[tuple[str, Node]]:
    yield from script.nodes.items()
    yield from ((f"template {name}", node) for name, node in script.templates.items())


def _check_targets(script: Script) -> Iterator[Fault]:
    known = set(script.nodes)
    for role, target in script.roles.items():
        if target not in known:
            yield Fault(script.file, 1, role, f"unknown node '{target}'; name a node that exists")
    for place, node in _places(script):
        targets = known if node.id in known else known | set(script.templates)
        if node.back is not None and node.back not in known:
            text = f"back leads to the unknown node '{node.back}'"
            yield Fault(script.file, node.line, place, text)
        for option in node.options:
            if option.to not in targets:
                text = f"key {option.key} leads to the unknown node '{option.to}'"
                yield Fault(script.file, option.line, place, text)


def _check_keys(script: Script) -> Iterator[Fault]:
    standing = {option.key: name for name, option in script.standing.items()}
    for place, node in _places(script):
        seen: dict[str, int] = {}
        for option in node.options:
            if option.key in seen:
                text = f"duplicate key {option.key}, also on line {seen[option.key]}"
                yield Fault(script.file, option.line, place, text)
            elif option.key in standing:
                text = f"duplicate key {option.key}: every menu has it for '{standing[option.key]}'"
                yield Fault(script.file, option.line, place, text)
            seen.setdefault(option.key, option.line)
        spoken = [option for option in node.options if option.voice is not None]
        if len(spoken) > MAX_SPOKEN_CHOICES:
            text = (
                f"{len(spoken)} spoken choices; {MAX_SPOKEN_CHOICES} at most, or nobody remembers"
            )
            yield Fault(script.file, spoken[MAX_SPOKEN_CHOICES].line, place, text)


def _check_ways(script: Script, whole: Script, directory: Directory) -> Iterator[Fault]:
    """Nodes that nobody reaches, menus without a way on, menus without a way to help."""
    roles = script.roles
    reached = _distances(whole, [roles["start"], *roles.values()])
    urgent = {roles["distress"], roles["danger"]}
    unconfirmed = {name for name, value in directory.placeholders().items() if value is None}
    for node in script.nodes.values():
        if node.id not in reached:
            text = "unreachable node: no key of any menu leads here"
            yield Fault(script.file, node.line, node.id, text)
        for channel in Channel:
            trap = _find_trap(node, whole.nodes[node.id], channel, urgent, unconfirmed)
            if trap is not None:
                yield Fault(script.file, node.line, node.id, trap)


def _find_trap(
    node: Node,
    whole: Node,
    channel: Channel,
    urgent: Collection[str],
    unconfirmed: AbstractSet[str],
) -> str | None:
    """Say how a node would leave a caller on a channel without a way on or a way to help."""
    prompt = node.prompt(channel)
    if prompt is None:
        return f"dead end: it says nothing by {channel}; write its {channel} text"
    parts = _PARTS[channel].split(prompt.text)
    if all(unconfirmed & set(re.findall(PLACEHOLDER, part)) for part in parts):
        return f"says nothing by {channel} until a service is confirmed; write a line without it"
    ways = {option.to for option in whole.options if option.is_offered(channel)} - {node.id}
    if node.ends:
        return None
    if not ways:
        return f"dead end: no key leads on by {channel}; add an option, or 'ends = true'"
    if node.id not in urgent and not ways.intersection(urgent):
        return f"neither 999 nor distress can be reached in one key by {channel}"
    return None


def _check_referrals(script: Script, whole: Script, directory: Directory) -> Iterator[Fault]:
    distances = _distances(whole, [script.roles["start"]])
    nearest: dict[str, Node] = {}
    for node in script.nodes.values():
        for name in _names(node):
            service = name if name in directory.services else _service_of(name, directory)
            if service is None or node.id not in distances:
                continue
            if service not in nearest or distances[node.id] < distances[nearest[service].id]:
                nearest[service] = node
    for service, node in nearest.items():
        if distances[node.id] > MAX_KEYS_TO_REFERRAL:
            text = (
                f"the referral to '{service}' is {distances[node.id]} keys from the first menu; "
                f"{MAX_KEYS_TO_REFERRAL} at most"
            )
            yield Fault(script.file, node.line, node.id, text)


def _distances(script: Script, starts: Iterable[str]) -> Mapping[str, int]:
    """Count the fewest keys from the given nodes to every node they lead to."""
    distances = dict.fromkeys(starts, 0)
    queue = deque(distances)
    while queue:
        here = queue.popleft()
        node = script.nodes[here]
        ways = [option.to for option in node.options] + list(node.typed.values())
        for there in ways:
            if there not in distances:
                distances[there] = distances[here] + 1
                queue.append(there)
    return distances


def _names(node: Node) -> Iterator[str]:
    for channel in Channel:
        prompt = node.prompt(channel)
        yield from re.findall(PLACEHOLDER, prompt.text if prompt else "")


def _service_of(placeholder: str, directory: Directory) -> str | None:
    for service in directory.services.values():
        if placeholder in service.placeholders():
            return service.id
    return None


def _check_messages(script: Script, directory: Directory) -> Iterator[Fault]:
    for place, node in _places(script):
        for option in node.options:
            if (option.sms is None) is not (option.voice is None) and place in script.nodes:
                text = f"key {option.key} is offered on one channel alone; give it both labels"
                yield Fault(script.file, option.line, place, text)
    labels = {o.sms.context for o in _options(script) if o.sms is not None}
    spoken = {o.voice.context for o in _options(script) if o.voice is not None and o.key.isdigit()}
    phones: dict[str, str] = {}
    for service in directory.services.values():
        phones.setdefault(service.phone.replace(" ", ""), service.id)
    for message in script.messages():
        place = message.context
        is_option = place in spoken
        if is_option and "{key}" not in message.text:
            yield Fault(script.file, message.line, place, "a spoken option must say its {key}")
        found = [*_check_placeholders(message, directory, is_option=is_option)]
        if place in labels and len(message.text.split()) > MAX_LABEL_WORDS:
            found.append(f"'{message.text}' is over {MAX_LABEL_WORDS} words; make it shorter")
        found += _check_typing(message, phones)
        found += _check_hours(message, directory)
        yield from (Fault(script.file, message.line, place, text) for text in found)
    yield from _check_words(script)


def _check_placeholders(
    message: Message, directory: Directory, *, is_option: bool
) -> Iterator[str]:
    place, _, kind = message.context.rpartition("/")
    names = re.findall(PLACEHOLDER, message.text)
    own = _OWN_VALUES.get(place, frozenset()) | _OWN_VALUES.get(message.context, frozenset())
    # Labels and single sentences are filled with what is theirs; prompts with the directory too.
    is_prompt = "/" not in place
    known = {
        *own,
        *(directory.placeholders() if is_prompt else ()),
        *({"key"} if is_option else ()),
    }
    for name in names:
        if name not in known:
            text = "no such service in services.toml" if is_prompt else "not filled in here"
            yield f"unknown placeholder {{{name}}}: {text}"
        elif kind == "voice" and name.endswith("-link") and name not in own:
            yield f"{{{name}}} is a link, which nobody can write down by ear; name the site"


def _check_words(script: Script) -> Iterator[Fault]:
    """A word leads to one place, and belongs to us rather than to the carrier."""
    places: dict[str, str] = {}
    for message in (node.words for _, node in _places(script)):
        for word in split_words(message.text) if message else ():
            place = message.context if message else ""
            line = message.line if message else 0
            if places.setdefault(word.casefold(), place) != place:
                text = (
                    f"'{word}' stands in {places[word.casefold()]} too; a word leads to one place"
                )
                yield Fault(script.file, line, place, text)
            if word.casefold() in CARRIER_WORDS:
                text = f"'{word}' belongs to the carrier; no choice of ours may need it"
                yield Fault(script.file, line, place, text)


def _options(script: Script) -> Iterator[Option]:
    yield from script.standing.values()
    for _, node in _places(script):
        yield from node.options


def _check_typing(message: Message, phones: Mapping[str, str]) -> Iterator[str]:
    """What is filled in for the writer, typed by hand; what belongs to the carrier."""
    bare = re.sub(PLACEHOLDER, " ", message.text)
    is_shown = not message.is_words
    for digits in _DIGITS.findall(bare) if is_shown else ():
        service = phones.get(digits.replace(" ", ""))
        if service is not None:
            yield f"'{digits}' is typed by hand; write {{{service}}}, so that it can't be wrong"
    for link in _LINK_BY_HAND.findall(bare):
        yield f"'{link}' is typed by hand; use a link of services.toml"
    for word in _CARRIER_CAPITALS.findall(bare):
        yield f"'{word}' belongs to the carrier; no text of ours asks a caller to send it"


def check_typing(english: str, translation: str) -> Iterator[str]:
    """Say what a translator typed that the English has not: digits, links, the carrier's words."""
    had, bare = (re.sub(PLACEHOLDER, " ", text) for text in (english, translation))
    for pattern, name in (
        (r"\d+", "number"),
        (_LINK_BY_HAND, "link"),
        (_CARRIER_CAPITALS, "word of the carrier"),
    ):
        more = Counter(re.findall(pattern, bare)) - Counter(re.findall(pattern, had))
        for found in more:
            yield f"has the {name} '{found}', which the English has not; use the placeholders"


def _check_hours(message: Message, directory: Directory) -> Iterator[str]:
    """A line may not say when a service answers while its hours are not confirmed."""
    place, _, kind = message.context.rpartition("/")
    if "/" in place or kind == "words":
        return
    lines = _PARTS[Channel(kind)].split(message.text)
    for before, line in pairwise(["", *lines]):
        claim = _HOURS.search(line) or (_HOURS.search(before) if line.startswith("{") else None)
        for name in re.findall(PLACEHOLDER, line) if claim else ():
            service = directory.services.get(name)
            if service is not None and not service.is_hours_confirmed:
                yield f"says when '{name}' answers, but its hours are not confirmed"


def split_words(text: str) -> list[str]:
    """Split a list of words with commas between, of any script.

    >>> split_words("paid,  I paid ،دفعت")
    ['paid', 'I paid', 'دفعت']
    """
    return [word.strip() for word in re.split(r"[,،、，]", text) if word.strip()]


def _check_entries(directory: Directory, today: date) -> Iterator[Fault]:
    names: dict[str, str] = {}
    for service in directory.services.values():
        for name in service.placeholders():
            if name in names:
                text = f"{{{name}}} could mean '{names[name]}' too; rename one of the two services"
                yield Fault(directory.file, service.line, service.id, text)
            names[name] = service.id
        full = "+44" + service.phone.replace(" ", "").removeprefix("0")
        if service.phone_e164 and service.phone_e164 != full:
            text = f"phone_e164 {service.phone_e164} is not the phone {service.phone} ({full})"
            yield Fault(directory.file, service.line, service.id, text)
        yield from _check_age(directory, service.id, service.line, service.verified_on, today)
    for force in directory.forces.values():
        yield from _check_age(directory, force.id, force.line, force.verified_on, today)


def _check_age(
    directory: Directory, name: str, line: int, verified_on: str, today: date
) -> Iterator[Fault]:
    try:
        day = latest_day(verified_on)
    except ValueError:
        text = f"verified_on '{verified_on}' is no day of the calendar; write YYYY-MM-DD"
        yield Fault(directory.file, line, name, text)
        return
    if day is not None and day > today and len(verified_on) == len("YYYY-MM-DD"):
        text = f"verified_on {verified_on} is in the future; write the date of the source"
        yield Fault(directory.file, line, name, text)
    elif day is None or today - day > STALE_AFTER:
        age = "has no date" if day is None else f"was confirmed {(today - day).days} days ago"
        text = f"due for confirmation: {age}; find a newer source, then move verified_on"
        yield Fault(directory.file, line, name, text, Severity.WARNING)
