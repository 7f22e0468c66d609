"""The words a caller may use, in every served language, made comparable once at start."""

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from referral_line.content.checks import split_words
from referral_line.content.completion import Unserved
from referral_line.content.model import PLACEHOLDER, Directory, Node, Script
from referral_line.conversation.phrases import Phrase, PhraseIndex, parse_phrase
from referral_line.conversation.spelling import Spelling
from referral_line.languages.catalogue import Texts
from referral_line.languages.language import known_languages
from referral_line.languages.names import language_names
from referral_line.languages.wording import normalise

SHORT_NAME = 4
"""A name of so few letters, or a tag, must be the whole message, polite words aside."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Everything a caller may say, ready to be found."""

    tags: tuple[str, ...]
    names: Mapping[str, str]
    """Normalised language names, each with its tag."""
    crisis: tuple[PhraseIndex, ...]
    """Phrases of self-harm and danger, the most urgent node first."""
    spelling: Mapping[str, Spelling]
    """Tag → its words of crisis, found through slips of the finger."""
    words: PhraseIndex
    labels: Mapping[tuple[str, str], Mapping[str, str]]
    """(tag, node) → normalised menu label → key."""
    typed: Mapping[str, PhraseIndex]
    """Node → names that may be typed there, such as police forces."""
    digits: Mapping[str, Mapping[str, str]]
    """Tag → digit word → digit, as in "two"."""
    unserved: Mapping[str, str]
    """Normalised names of languages that we know of and don't speak, each with its tag."""
    polite: frozenset[str]

    def find_crisis(self, text: str, language: str) -> tuple[str, str] | None:
        """Return the language and node of the most urgent phrase in a text.

        Slips of the finger are allowed for in the caller's language alone: among thirty, nearly
        every word is one letter away from some word of despair.
        """
        for phrases in self.crisis:
            if found := phrases.find(text, language):
                return found
        corrected = self.spelling[language].correct(text)
        for phrases in self.crisis:
            found = phrases.find(corrected, language)
            if found and found[0] == language:
                return found
        return None

    def find_language(self, text: str, language: str, *, is_whole: bool = False) -> str | None:
        """Return the tag of the language a text names, with at most one word that is not polite.

        With ``is_whole`` there may be none: then nothing but the language can be meant. A name that
        is a common word of the caller's language names nothing: "hindi" in Filipino.
        """
        name = self._find_alone(text, self.names, is_whole=is_whole)
        is_name = name is not None and name not in known_languages()[language].not_names
        return self.names[name] if name and is_name else None

    def find_unserved(self, text: str) -> str | None:
        """Return the tag of a language that a text names in the same way and we don't speak."""
        name = self._find_alone(text, self.unserved)
        return None if name is None else self.unserved[name]

    def _find_alone(
        self, text: str, names: Container[str], *, is_whole: bool = False
    ) -> str | None:
        """Return the longest name in a text that has nothing but courtesy around it."""
        words = text.split()
        for size in range(min(len(words), 4), 0, -1):
            for start in range(len(words) - size + 1):
                name = " ".join(words[start : start + size])
                around = words[:start] + words[start + size :]
                # "it", "so" and "am" are tags, and words of nearly every English message.
                is_short = is_whole or len(name) <= SHORT_NAME
                is_alone = self.is_polite if is_short else self.is_courtesy
                if name in names and is_alone(around):
                    return name
        return None

    def is_polite(self, words: list[str]) -> bool:
        """Whether all words are polite ones."""
        return all(word in self.polite for word in words)

    def is_courtesy(self, words: list[str]) -> bool:
        """Whether words around a choice are polite ones, but for one at most."""
        return sum(word not in self.polite for word in words) <= 1


def compile_vocabulary(
    script: Script,
    directory: Directory,
    texts: Iterable[Texts],
    unserved: Sequence[Unserved] = (),
) -> Vocabulary:
    """Normalise every word list, menu label and name of the served languages and of the others."""
    served = list(texts)
    values = {name: value or "" for name, value in directory.placeholders().items()}
    urgent = [
        node.id
        for node in sorted(script.nodes.values(), key=lambda node: node.crisis or 0)
        if node.crisis is not None
    ]

    def read(node: Node, language: Texts) -> Iterator[Phrase]:
        for word in split_words(language.text(node.words)) if node.words else ():
            filled = re.sub(PLACEHOLDER, lambda found: values.get(found[1], ""), word)
            phrase = parse_phrase(filled, language.tag, node.id)
            if phrase is not None:
                yield phrase

    # Nodes made of one template share its messages.
    messages = {message.context: message for message in script.messages()}.values()
    phrases = [
        phrase
        for node in script.nodes.values()
        for language in served
        for phrase in read(node, language)
    ]

    polite = frozenset(
        word
        for language in served
        for phrase in split_words(language.text(script.phrases["polite"]["words"]))
        for word in normalise(phrase).split()
    )

    return Vocabulary(
        tags=tuple(language.tag for language in served),
        names={
            normalise(name): tag
            for name, tag in reversed([*language_names(item.tag for item in served).items()])
        },
        crisis=tuple(
            PhraseIndex((phrase for phrase in phrases if phrase.node == node), polite)
            for node in urgent
        ),
        spelling={
            language.tag: Spelling(
                (p for p in phrases if p.node in urgent and p.tag == language.tag),
                known_languages()[language.tag].script,
                known={
                    word
                    for message in messages
                    for word in normalise(language.text(message)).split()
                },
            )
            for language in served
        },
        words=PhraseIndex(phrases, polite),
        labels={
            (language.tag, node.id): {
                normalise(language.text(option.sms)): option.key
                for option in node.options
                if option.sms is not None
            }
            for language in served
            for node in script.nodes.values()
        },
        typed={
            node.id: PhraseIndex(
                phrase
                for name, target in node.typed.items()
                if (phrase := parse_phrase(name, "", target))
            )
            for node in script.nodes.values()
            if node.typed
        },
        digits={
            language.tag: {
                normalise(word): str(digit)
                for digit, word in enumerate(
                    split_words(language.text(script.phrases["digits"]["voice"]))
                )
            }
            for language in served
        },
        unserved={
            normalise(name): other.tag for other in reversed(unserved) for name in other.names
        },
        polite=polite,
    )
