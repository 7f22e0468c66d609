"""The words a caller may use, in every served language, made comparable once at start."""

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from referral_line.content.checks import split_words
from referral_line.content.model import PLACEHOLDER, Directory, Message, Node, Script
from referral_line.conversation.wording import is_unspaced, normalise
from referral_line.languages.catalogue import Texts
from referral_line.languages.language import known_languages
from referral_line.languages.names import language_names, own_names


class PhraseIndex:
    """Normalised phrases of every language, found in a text without trying each of them."""

    def __init__(
        self,
        phrases: Iterable[tuple[str, str, str]],
        whole: Iterable[tuple[str, str, str]] = (),
        polite: AbstractSet[str] = frozenset(),
    ) -> None:
        """Take rows of phrase, language tag and node; the first row of a phrase and tag counts.

        Args:
            phrases: May stand anywhere in a message.
            whole: Must be the whole message, polite words aside.
            polite: The polite words.
        """
        self._polite = polite
        self._whole: dict[str, dict[str, str]] = {}
        for phrase, tag, node in whole:
            self._whole.setdefault(phrase, {}).setdefault(tag, node)
        self._nodes: dict[str, dict[str, str]] = {}
        for phrase, tag, node in phrases:
            self._nodes.setdefault(phrase, {}).setdefault(tag, node)
        self._unspaced = [phrase for phrase in self._nodes if is_unspaced(phrase)]
        self._sizes: dict[str, set[int]] = {}
        """By a phrase's first word, how many words the phrases have that begin with it."""
        for phrase in self._nodes:
            words = phrase.split()
            self._sizes.setdefault(words[0], set()).add(len(words))

    def find(self, text: str, language: str) -> tuple[str, str] | None:
        """Return the tag and node of a phrase in a normalised text.

        The caller's language comes first, then any other; the phrase of most words wins.
        """
        other = None
        bare = " ".join(word for word in text.split() if word not in self._polite)
        found = [self._whole.get(text), self._whole.get(bare)]
        found += (self._nodes.get(phrase) for phrase in self._candidates(text))
        for nodes in found:
            if nodes is None:
                continue
            if language in nodes:
                return language, nodes[language]
            other = other or next(iter(nodes.items()))
        return other

    def _candidates(self, text: str) -> Iterator[str]:
        """Every run of words that may be a phrase, the longest first, then unspaced scripts."""
        words = text.split()
        runs = [
            (size, start)
            for start, word in enumerate(words)
            for size in self._sizes.get(word, ())
            if start + size <= len(words)
        ]
        for size, start in sorted(runs, key=lambda run: (-run[0], run[1])):
            yield " ".join(words[start : start + size])
        if is_unspaced(text):
            yield from (phrase for phrase in self._unspaced if phrase in text)


WHOLE_MESSAGE = "="
"""In front of a word in the lists: it must be the whole message."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Everything a caller may say, ready to be found."""

    tags: tuple[str, ...]
    names: Mapping[str, str]
    """Normalised language names, each with its tag."""
    crisis: tuple[PhraseIndex, ...]
    """Phrases of self-harm and danger, the most urgent node first."""
    words: PhraseIndex
    labels: Mapping[tuple[str, str], Mapping[str, str]]
    """(tag, node) → normalised menu label → key."""
    typed: Mapping[str, PhraseIndex]
    """Node → names that may be typed there, such as police forces."""
    digits: Mapping[str, Mapping[str, str]]
    """Tag → digit word → digit, as in "two"."""
    unserved: frozenset[str]
    """Names of languages that we know of and don't speak."""
    polite: frozenset[str]

    def find_crisis(self, text: str, language: str) -> tuple[str, str] | None:
        """Return the language and node of the most urgent phrase in a text."""
        for phrases in self.crisis:
            if found := phrases.find(text, language):
                return found
        return None

    def find_language(self, text: str) -> str | None:
        """Return the tag of the language a text names, with at most one word that is not polite."""
        name = self._find_alone(text, self.names)
        return None if name is None else self.names[name]

    def is_unserved_language(self, text: str) -> bool:
        """Whether a text names, in the same way, a language that we don't speak."""
        return self._find_alone(text, self.unserved) is not None

    def _find_alone(self, text: str, names: Container[str]) -> str | None:
        """Return the longest name in a text that has nothing but courtesy around it."""
        words = text.split()
        for size in range(min(len(words), 4), 0, -1):
            for start in range(len(words) - size + 1):
                name = " ".join(words[start : start + size])
                if name in names and self.is_courtesy(words[:start] + words[start + size :]):
                    return name
        return None

    def is_polite(self, words: list[str]) -> bool:
        """Whether all words are polite ones."""
        return all(word in self.polite for word in words)

    def is_courtesy(self, words: list[str]) -> bool:
        """Whether words around a choice are polite ones, but for one at most."""
        return sum(word not in self.polite for word in words) <= 1


def compile_vocabulary(script: Script, directory: Directory, texts: Iterable[Texts]) -> Vocabulary:
    """Normalise every word list, menu label and name of the served languages."""
    served = list(texts)
    values = {name: value or "" for name, value in directory.placeholders().items()}
    urgent = sorted(
        (node for node in script.nodes.values() if node.crisis is not None),
        key=lambda node: node.crisis or 0,
    )

    def phrases(message: Message | None, language: Texts, *, whole: bool = False) -> Iterator[str]:
        for word in split_words(language.text(message)) if message else ():
            filled = re.sub(PLACEHOLDER, lambda found: values.get(found[1], ""), word)
            text = normalise(filled)
            if text and word.startswith(WHOLE_MESSAGE) is whole:
                yield text

    polite = frozenset(
        word
        for language in served
        for phrase in phrases(script.phrases["polite"]["words"], language)
        for word in phrase.split()
    )

    def index(nodes: Iterable[Node]) -> PhraseIndex:
        listed = list(nodes)

        def rows(*, whole: bool) -> Iterator[tuple[str, str, str]]:
            for node in listed:
                for language in served:
                    for text in phrases(node.words, language, whole=whole):
                        yield text, language.tag, node.id

        return PhraseIndex(rows(whole=False), rows(whole=True), polite)

    return Vocabulary(
        tags=tuple(language.tag for language in served),
        names={
            normalise(name): tag
            for name, tag in reversed([*language_names(item.tag for item in served).items()])
        },
        crisis=tuple(index([node]) for node in urgent),
        words=index(script.nodes.values()),
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
                (normalise(name), "", target) for name, target in node.typed.items()
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
        unserved=frozenset(
            normalise(name)
            for name in own_names(set(known_languages()).difference(item.tag for item in served))
        ),
        polite=polite,
    )
