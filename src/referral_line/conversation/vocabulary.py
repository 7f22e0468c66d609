"""The words a caller may use, in every served language, made comparable once at start."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from referral_line.content.checks import split_words
from referral_line.content.model import PLACEHOLDER, Directory, Message, Script
from referral_line.conversation.wording import contains, normalise
from referral_line.languages.catalogue import Texts
from referral_line.languages.names import language_names


@dataclass(frozen=True, slots=True)
class Phrase:
    """A normalised phrase of one language that leads to a node."""

    text: str
    node: str


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Every phrase by language tag; the longest phrase of a language stands first."""

    names: Mapping[str, str]
    """Normalised language names, each with its tag."""
    crisis: tuple[Mapping[str, tuple[Phrase, ...]], ...]
    """Phrases of self-harm and danger, the most urgent node first."""
    words: Mapping[str, tuple[Phrase, ...]]
    labels: Mapping[tuple[str, str], Mapping[str, str]]
    """(tag, node) → normalised menu label → key."""
    typed: Mapping[str, tuple[Phrase, ...]]
    """Node → names that may be typed there, such as police forces."""
    polite: frozenset[str]

    def find_crisis(self, text: str, language: str) -> tuple[str, str] | None:
        """Return the language and node of the most urgent phrase in a text."""
        for phrases in self.crisis:
            if found := _find(text, phrases, language):
                return found
        return None

    def find_node(self, text: str, language: str) -> tuple[str, str] | None:
        """Return the language and node that the words of a text ask for."""
        return _find(text, self.words, language)

    def find_language(self, text: str) -> str | None:
        """Return the tag of the language a text names, with at most one word that is not polite."""
        words = text.split()
        for size in range(min(len(words), 4), 0, -1):
            for start in range(len(words) - size + 1):
                tag = self.names.get(" ".join(words[start : start + size]))
                rest = words[:start] + words[start + size :]
                if tag is not None and self.is_courtesy(rest):
                    return tag
        return None

    def is_courtesy(self, words: list[str]) -> bool:
        """Whether words around a choice are polite ones, but for one at most."""
        return sum(word not in self.polite for word in words) <= 1


def _find(
    text: str, phrases: Mapping[str, tuple[Phrase, ...]], language: str
) -> tuple[str, str] | None:
    """Look in the caller's language first, then in all the others."""
    for tag in sorted(phrases, key=lambda tag: tag != language):
        for phrase in phrases[tag]:
            if contains(text, phrase.text):
                return tag, phrase.node
    return None


def compile_vocabulary(script: Script, directory: Directory, texts: Iterable[Texts]) -> Vocabulary:
    """Normalise every word list, menu label and name of the served languages."""
    served = list(texts)
    values = {name: value or "" for name, value in directory.placeholders().items()}
    urgent = sorted(
        (node for node in script.nodes.values() if node.crisis is not None),
        key=lambda node: node.crisis or 0,
    )

    def phrases(message: Message, language: Texts, node: str) -> Iterator[Phrase]:
        for word in split_words(language.text(message)):
            filled = re.sub(PLACEHOLDER, lambda found: values.get(found[1], ""), word)
            if text := normalise(filled):
                yield Phrase(text, node)

    return Vocabulary(
        names={
            normalise(name): tag
            for name, tag in reversed([*language_names(item.tag for item in served).items()])
        },
        crisis=tuple(
            {
                language.tag: _longest_first(phrases(node.words, language, node.id))
                for language in served
                if node.words is not None
            }
            for node in urgent
        ),
        words={
            language.tag: _longest_first(
                phrase
                for node in script.nodes.values()
                if node.words is not None
                for phrase in phrases(node.words, language, node.id)
            )
            for language in served
        },
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
            node.id: _longest_first(
                Phrase(normalise(name), target) for name, target in node.typed.items()
            )
            for node in script.nodes.values()
            if node.typed
        },
        polite=frozenset(
            word
            for language in served
            for phrase in phrases(script.phrases["polite"]["words"], language, "")
            for word in phrase.text.split()
        ),
    )


def _longest_first(phrases: Iterable[Phrase]) -> tuple[Phrase, ...]:
    return tuple(sorted(phrases, key=lambda phrase: -len(phrase.text)))
