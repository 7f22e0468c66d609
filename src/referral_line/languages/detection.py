"""Which language a message is written in: its script, its words, and a small offline identifier.

Three kinds of evidence are added up, since none is enough for a few words typed in fear, often
without accents or in Latin letters: the letters that a language has, the words of its own
catalogue (among them what people type), and py3langid's model. All of it is known at start.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from referral_line.content.model import PLACEHOLDER
from referral_line.languages.wording import is_unspaced, normalise

IDENTIFIER_WEIGHT = 0.5
"""How much the identifier's opinion counts beside a language's own words; measured."""
STRANGE_LETTER = -2.0
"""What a letter costs a language that never uses it."""
MOST_STRANGE = 0.2
"""The largest share of such letters in a message of a language."""
LEAST_MARGIN = 1.0
"""How far the best language must be ahead of the next."""
LEAST_EVIDENCE = 3.0
"""How much must speak for the best language: about two of its words, or one that is its alone."""
SHARE_SUPPORT = 4.0
"""What the identifier's full share of a language counts as evidence."""
LEAST_LETTERS = 3
"""A message of fewer letters says nothing."""
UNSERVED_CONFIDENCE = 0.9
"""How sure the identifier must be of a language that we don't speak."""
UNSERVED_LETTERS = 16
"""How many letters of it there must be."""
_FLOOR = 1e-4
"""The least share the identifier gives a language; it doesn't know all of ours."""

_LABELS = {"fil": "tl", "ckb": "sdh", "zh-Hans": "zh", "zh-Hant": "yue"}
"""py3langid's names for languages that it has under another tag than ours."""


@cache
def _identifier() -> LanguageIdentifier:
    """Load the model once a process; it takes about a second and 100 MB."""
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a language is known by."""

    letters: AbstractSet[str]
    """Every letter of its texts, small."""
    words: AbstractSet[str]
    """Every word of its texts and lists, normalised; runs of two letters of unspaced scripts."""


class Weight(NamedTuple):
    """What a message weighs for a language."""

    score: float
    """Everything for and against it, to compare languages by."""
    support: float
    """What speaks for it: its words, and the identifier's share of it."""
    strange: int
    """Letters that it never uses."""


class Detector:
    """Finds the language of a message among those served. Pure: it keeps nothing."""

    def __init__(self, texts: Mapping[str, Iterable[str]]) -> None:
        """Learn from each language's texts, by tag."""
        self._evidence = {tag: _learn(found) for tag, found in texts.items()}
        shared = Counter(word for known in self._evidence.values() for word in known.words)
        count = len(self._evidence)
        _identifier()  # loaded at start, not during someone's first message
        self._weights = {word: 1 + math.log(count / among) for word, among in shared.items()}

    def detect(self, text: str) -> str | None:
        """Return the tag of the language a message is written in; ``None`` where it isn't clear."""
        letters = [letter for letter in text.casefold() if letter.isalpha()]
        if len(letters) < LEAST_LETTERS or not self._evidence:
            return None
        weighed = self._weigh(text, letters)
        (best, found), *others = sorted(weighed.items(), key=lambda item: -item[1].score)
        behind = others[0][1].score if others else -math.inf
        is_clear = (
            found.score - behind >= LEAST_MARGIN
            and found.strange <= MOST_STRANGE * len(letters)
            and found.support >= LEAST_EVIDENCE
        )
        return best if is_clear else None

    def detect_unserved(self, text: str) -> str | None:
        """Return the tag of a language that a message is written in and that is not served."""
        if sum(map(str.isalpha, text)) < UNSERVED_LETTERS:
            return None
        label: str
        label, share = _identifier().classify(text)
        served = {_label(tag) for tag in self._evidence}
        return None if label in served or share < UNSERVED_CONFIDENCE else label

    def _weigh(self, text: str, letters: Sequence[str]) -> dict[str, Weight]:
        """Weigh a message for every language."""
        shares: dict[str, float] = dict(_identifier().rank(text))
        words = _words(text)
        weighed: dict[str, Weight] = {}
        for tag, known in self._evidence.items():
            share = shares.get(_label(tag), 0.0)
            strange = sum(letter not in known.letters for letter in letters)
            own = sum(self._weights[word] for word in words if word in known.words)
            opinion = IDENTIFIER_WEIGHT * math.log(max(share, _FLOOR))
            score = opinion + STRANGE_LETTER * strange + own
            weighed[tag] = Weight(score, own + SHARE_SUPPORT * share, strange)
        return weighed


def _label(tag: str) -> str:
    return _LABELS.get(tag, tag)


def _learn(texts: Iterable[str]) -> Evidence:
    letters: set[str] = set()
    words: set[str] = set()
    for text in (re.sub(PLACEHOLDER, " ", written) for written in texts):
        letters.update(letter for letter in text.casefold() if letter.isalpha())
        words.update(_words(text))
    return Evidence(frozenset(letters), frozenset(words))


def _words(text: str) -> list[str]:
    """Split a text into comparable words; unspaced scripts into runs of two letters."""
    words: list[str] = []
    for word in normalise(text).split():
        if is_unspaced(word):
            words += [word[at : at + 2] for at in range(len(word) - 1)] or [word]
        elif not word.isdigit():
            words.append(word)
    return words
