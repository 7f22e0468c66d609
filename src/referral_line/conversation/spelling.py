"""Words of crisis as people in a panic type them: a letter wrong, repeated, or a space lost."""

import re
from collections.abc import Iterable

from rapidfuzz.distance import OSA
from rapidfuzz.process import extractOne

from referral_line.conversation.phrases import Phrase
from referral_line.languages.scripts import script_of

SHORTEST_WORD = 6
"""Shorter words are left as typed: one letter less makes another word of them."""
ALPHABETS = frozenset({"Latn", "Cyrl", "Grek"})
"""Scripts in which one slip of the finger is one character. A Tamil vowel sign is a character too,
and Arabic words are so short that one letter makes another: "spread" of suicide."""
SHORTEST_RUN = 8
"""Letters of a phrase that may be found in a message without its spaces."""

_REPEATED = re.compile(r"(\w)\1{2,}")


class Spelling:
    """The words and phrases of one language's lists, found through slips of the finger."""

    def __init__(
        self, phrases: Iterable[Phrase], script: str = "Latn", known: Iterable[str] = ()
    ) -> None:
        """Take the phrases that may stand anywhere in a message.

        Args:
            phrases: The language's words of crisis.
            script: Its script, by ISO 15924. Slips are looked for in alphabets alone, and not in
                a language put into Latin letters, which everybody spells as they like.
            known: Normalised words of the language, which are no slips.
        """
        listed = [phrase for phrase in phrases if not phrase.is_whole]
        self._words = sorted(
            {
                word.text
                for phrase in listed
                for word in phrase.words
                if len(word.text) >= SHORTEST_WORD - 1
                and script in ALPHABETS
                and script_of(word.text[0]) == script
            }
        )
        self._known = frozenset(self._words).union(known)
        runs = {
            "".join(word.text for word in phrase.words): " ".join(w.text for w in phrase.words)
            for phrase in listed
            if not phrase.has_open_end and len(phrase.words) > 1
        }
        self._runs = {run: text for run, text in runs.items() if len(run) >= SHORTEST_RUN}

    def correct(self, text: str) -> str:
        """Return a normalised text with words one slip away from a listed one put right.

        A slip is a letter wrong, left out, added or exchanged with its neighbour (the optimal
        string alignment distance). A phrase whose spaces were lost is added at the end.
        """
        words = " ".join(self._correct(word) for word in text.split())
        joined = text.replace(" ", "")
        return " ".join([words, *(phrase for run, phrase in self._runs.items() if run in joined)])

    def _correct(self, word: str) -> str:
        if word in self._known:
            return word
        plain = _REPEATED.sub(r"\1", word)
        if len(plain) < SHORTEST_WORD:
            return plain
        found = extractOne(plain, self._words, scorer=OSA.distance, score_cutoff=1)
        return found[0] if found else plain
