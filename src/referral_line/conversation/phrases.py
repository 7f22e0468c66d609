"""Phrases that callers may type, found in a normalised text without trying each of them."""

import re
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

from referral_line.languages.wording import is_unspaced, normalise

WHOLE_MESSAGE = "="
"""In front of a phrase in the lists: it must be the whole message, polite words aside."""
STEM = "*"
"""At the end of a word in the lists: any ending may follow."""
GAP = "..."
"""Between words in the lists: so many other words may stand there."""
MAX_GAP = 3
_SHORTEST_STEM = 2
_UNSPACED_GAP = ".{0,6}"
"""Where words have no spaces between them, a gap is counted in characters."""


class Word(NamedTuple):
    """One word of a phrase."""

    text: str
    is_stem: bool
    """Whether any ending may follow."""
    has_gap: bool
    """Whether other words may stand before it."""

    def fits(self, word: str) -> bool:
        """Whether a word of a message is this one."""
        return word.startswith(self.text) if self.is_stem else word == self.text


@dataclass(frozen=True, slots=True)
class Phrase:
    """One entry of a list: its words in order, its language, and where it leads."""

    words: tuple[Word, ...]
    is_whole: bool
    tag: str
    node: str
    needed: AbstractSet[str]
    """Words without which it can't be in a message, to pass over most phrases at once."""

    @property
    def has_open_end(self) -> bool:
        """Whether a stem or a gap makes it more than one run of letters."""
        return any(word.is_stem or word.has_gap for word in self.words)

    def matches(self, words: Sequence[str], start: int) -> bool:
        """Whether the phrase stands in a message at a word that fits its first one."""
        at = start
        for wanted in self.words[1:]:
            reach = at + 1 + (MAX_GAP if wanted.has_gap else 0)
            places = range(at + 1, min(reach + 1, len(words)))
            found = next((place for place in places if wanted.fits(words[place])), None)
            if found is None:
                return False
            at = found
        return not self.is_whole or (start == 0 and at == len(words) - 1)


def parse_phrase(written: str, tag: str, node: str) -> Phrase | None:
    """Read an entry of a list; ``None`` where no letter or digit is left of it.

    >>> parse_phrase("=want ... kill*", "en", "distress").words
    (Word(text='want', is_stem=False, has_gap=False), Word(text='kill', is_stem=True, has_gap=True))
    """
    words: list[Word] = []
    for part in written.replace("…", GAP).removeprefix(WHOLE_MESSAGE).split(GAP):
        has_gap = bool(words)
        for piece in part.split():
            for size, text in enumerate(texts := normalise(piece).split(), start=1):
                is_stem = piece.endswith(STEM) and size == len(texts)
                words.append(Word(text, is_stem, has_gap))
                has_gap = False
    is_whole = written.startswith(WHOLE_MESSAGE)
    needed = frozenset(word.text for word in words if not word.is_stem)
    return Phrase(tuple(words), is_whole, tag, node, needed) if words else None


class PhraseIndex:
    """Phrases of every language by their first word, so that a message costs its own length."""

    def __init__(self, phrases: Iterable[Phrase], polite: AbstractSet[str] = frozenset()) -> None:
        """Take phrases; of two alike in one language the first counts.

        Args:
            phrases: In the order of the script.
            polite: Words that may stand around a phrase that must be the whole message.
        """
        self._polite = polite
        self._exact: dict[str, list[Phrase]] = {}
        self._stems: dict[str, list[Phrase]] = {}
        self._unspaced: list[tuple[re.Pattern[str], Phrase]] = []
        seen: set[tuple[tuple[Word, ...], bool, str]] = set()
        for phrase in phrases:
            identity = (phrase.words, phrase.is_whole, phrase.tag)
            if identity in seen:
                continue
            seen.add(identity)
            first = phrase.words[0]
            if any(is_unspaced(word.text) for word in phrase.words) and not phrase.is_whole:
                self._unspaced.append((_pattern(phrase), phrase))
            else:
                index = self._stems if first.is_stem else self._exact
                index.setdefault(first.text, []).append(phrase)

    def find(self, text: str, language: str) -> tuple[str, str] | None:
        """Return the tag and node of a phrase in a normalised text.

        The caller's language comes first, then any other; then the phrase of most words.
        """
        best: Phrase | None = None
        for phrase in self._matches(text):
            if best is None or _rank(phrase, language) > _rank(best, language):
                best = phrase
        return (best.tag, best.node) if best else None

    def _matches(self, text: str) -> Iterator[Phrase]:
        words = text.split()
        bare = [word for word in words if word not in self._polite]
        places: dict[str, list[int]] = {}
        for at, word in enumerate(words):
            places.setdefault(word, []).append(at)
        for word, starts in places.items():
            for phrase in self._beginning(word):
                if phrase.needed <= places.keys():
                    yield from (phrase for at in starts if phrase.matches(words, at))
        if bare and bare != words:
            yield from (p for p in self._beginning(bare[0]) if p.is_whole and p.matches(bare, 0))
        if is_unspaced(text):
            joined = "".join(words)
            yield from (phrase for pattern, phrase in self._unspaced if pattern.search(joined))

    def _beginning(self, word: str) -> Iterator[Phrase]:
        stems = (self._stems.get(word[:size], ()) for size in range(_SHORTEST_STEM, len(word) + 1))
        return chain(self._exact.get(word, ()), *stems)


def _rank(phrase: Phrase, language: str) -> tuple[bool, int]:
    return phrase.tag == language, len(phrase.words)


def _pattern(phrase: Phrase) -> re.Pattern[str]:
    parts = (
        (_UNSPACED_GAP if word.has_gap else "") + re.escape(word.text) for word in phrase.words
    )
    return re.compile("".join(parts))
