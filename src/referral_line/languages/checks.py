"""What a translator may not do to a message, each as one sentence for whoever mends it.

Babel's own checkers know plural forms and ``%`` only, and polib has none; so what matters to
callers is looked for here: numbers, links, placeholders, the carrier's words, letters that a
voice can't speak or a message can't carry.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache

from anyascii import anyascii

from referral_line.content.checks import check_typing, split_words
from referral_line.content.model import CARRIER_WORDS, PLACEHOLDER, Message
from referral_line.errors import Severity
from referral_line.languages.language import Language
from referral_line.languages.scripts import COMMON, HAN, script_of

Finding = tuple[Severity, str]
"""How much it matters, and the sentence."""

_PARAGRAPH = re.compile(r"\n\s*\n")
_DIRECTION_MARKS = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
_INVISIBLE = frozenset("\u00ad\u200b\u2060\ufeff")
_JOINERS = frozenset("\u200c\u200d")
_JOINING = frozenset({"Arab", "Deva", "Beng", "Guru", "Gujr", "Taml"})
"""Scripts whose spelling needs the zero-width joiner and non-joiner."""
_SPEAKABLE = frozenset(".,:;!?'\"()-%…«»‹›“”‘’„–—·¿¡،؛؟۔।॥、。，：；！？「」『』《》（）·٪ʼ")
_CARRIER_SKELETONS = {
    re.sub("[aeiou]", "", word): word
    for word in ("stop", "unstop", "help", "start", "cancel", "unsubscribe")
}
"""The consonants of those that people spell in their own script; the others match too much."""
_UNVOWELLED = frozenset({"Arab", "Deva", "Beng", "Guru", "Gujr", "Taml"})
"""Scripts that spell a foreign word's vowels in several ways, or not at all."""
_ENGLISH_RUN = 3
"""So many ordinary English words in a row, the same as in the source, are no loan words."""


def check_translation(message: Message, translation: str, language: Language) -> Iterator[Finding]:
    """Yield everything that is wrong with a translation."""
    if message.is_words:
        checks = _WORD_LIST
    elif message.context.endswith("/voice"):
        checks = (*_SHOWN, *_SPOKEN)
    else:
        checks = (*_SHOWN, *_SENT)
    for check in (*_ALWAYS, *checks):
        yield from check(message, translation, language)


def _error(text: str) -> Finding:
    return Severity.ERROR, text


def _warning(text: str) -> Finding:
    return Severity.WARNING, text


def _check_characters(message: Message, translation: str, language: Language) -> Iterator[Finding]:
    """Characters that break XML, or that nobody sees and that change how text runs."""
    del message
    for character in sorted(set(translation)):
        code = f"U+{ord(character):04X}"
        if unicodedata.category(character) in {"Cc", "Cs", "Co", "Cn"} and character != "\n":
            yield _error(f"holds the character {code}, which breaks a reply; take it out")
        elif character in _DIRECTION_MARKS:
            yield _error(f"holds the direction mark {code}; phones set the direction, take it out")
        elif character in _INVISIBLE:
            yield _error(f"holds the invisible character {code}; take it out")
        elif character in _JOINERS and language.script not in _JOINING:
            yield _error(f"holds the joiner {code}, which this script has not; take it out")
    if re.search(r"[{}]", re.sub(PLACEHOLDER, "", translation)):
        yield _error("has a brace that belongs to no placeholder")


def _check_placeholders(
    message: Message, translation: str, language: Language
) -> Iterator[Finding]:
    del language
    wanted = Counter(re.findall(PLACEHOLDER, message.text))
    found = Counter(re.findall(PLACEHOLDER, translation))
    if message.is_words:
        # Translators write as many words as they like; what they may not do is add a service.
        wanted, found = Counter(set(wanted) & set(found)), Counter(set(found))
    for name in (wanted - found).elements():
        yield _error(f"lost the placeholder {{{name}}}; put it back")
    for name in (found - wanted).elements():
        yield _error(f"has the extra placeholder {{{name}}}; take it out")


def _check_mixed_scripts(
    message: Message, translation: str, language: Language
) -> Iterator[Finding]:
    """A Latin letter inside a Cyrillic word looks right, and no search or voice finds the word."""
    del message, language
    for word in _words(translation):
        scripts = {script_of(letter) for letter in word} - {COMMON}
        if len(scripts) > 1:
            named = " and ".join(sorted(scripts))
            yield _error(f"'{word}' mixes letters of {named}; write it in one script")


def _check_typing(message: Message, translation: str, language: Language) -> Iterator[Finding]:
    del language
    for text in check_typing(message.text, translation):
        yield _error(text)


def _check_carrier_words(
    message: Message, translation: str, language: Language
) -> Iterator[Finding]:
    """No text in any script or case has a word that the carrier takes for a command."""
    del language
    english = {word.casefold() for word in _words(message.text)}
    for word in dict.fromkeys(_words(translation)):
        meant = _carrier_word(word)
        if meant and meant not in english:
            yield _error(
                f"'{word}' reads as {meant.upper()}, which the carrier acts on when it is sent; "
                "use another word"
            )


def _carrier_word(word: str) -> str | None:
    """Return the carrier's word that a word is, in whatever script it is written."""
    latin = anyascii(word).casefold()
    if latin in CARRIER_WORDS:
        return latin
    if not _UNVOWELLED.intersection(map(script_of, word)):
        return None
    # Without vowels, and without a p in Arabic, it is spelt as well as can be: ستوب, ਸਟਾਪ.
    return _CARRIER_SKELETONS.get(re.sub("[aeiouwy]", "", latin).replace("b", "p"))


def _words(text: str) -> list[str]:
    """Split a text into words: runs of letters with their marks, in any script."""
    return "".join(map(_letter, re.sub(PLACEHOLDER, " ", text))).split()


@cache
def _letter(character: str) -> str:
    is_letter = unicodedata.category(character)[0] in "LM" or character in _JOINERS
    return character if is_letter else " "


def _check_untranslated(
    message: Message, translation: str, language: Language
) -> Iterator[Finding]:
    """English by accident: the caller would not understand it."""
    del language
    bare, had = (re.sub(PLACEHOLDER, " ", text) for text in (translation, message.text))
    words, known = (re.findall(r"[A-Za-z']+", text) for text in (bare, had))
    ordinary = [word for word in known if len(word) > 1 and word.islower()]
    if translation == message.text and ordinary:
        yield _error("is still English; translate it")
        return
    lines = {tuple(known[at : at + _ENGLISH_RUN]) for at in range(len(known))}
    for at in range(len(words) - _ENGLISH_RUN + 1):
        run = tuple(words[at : at + _ENGLISH_RUN])
        if run in lines and all(len(word) > 1 and word.islower() for word in run):
            yield _error(f"has the English words '{' '.join(run)}'; translate them")
            return


def _check_typography(message: Message, translation: str, language: Language) -> Iterator[Finding]:
    """Curly quotes and the like cost a message of plain letters more than half its room."""
    del message
    if language.sms_encoding != "gsm7":
        return
    for character in sorted(set(translation) & set("‘’‚‛“”„«»–—‐‑…•\u00a0\u202f\u2009")):
        yield _warning(
            f"'{character}' (U+{ord(character):04X}) alone makes the whole message UCS-2; write a "
            "plain quote, hyphen, three dots or space"
        )


def _check_speech(message: Message, translation: str, language: Language) -> Iterator[Finding]:
    if message.context == "phrase/digits/voice":
        words = split_words(translation)
        if len(words) != len("0123456789"):
            yield _error(f"{len(words)} words; ten are needed, zero to nine, with commas between")
        for word in sorted(word for word, times in Counter(words).items() if times > 1):
            yield _error(f"'{word}' stands for two digits; each needs a word of its own")
    if len(_PARAGRAPH.split(message.text)) != len(_PARAGRAPH.split(translation)):
        yield _error("another number of paragraphs than the English; a blank line is a pause")
    bare = re.sub(PLACEHOLDER, " ", translation)
    own = "Hani" if language.script in HAN else language.script
    for character in sorted(set(bare)):
        script = script_of(character)
        if script not in {COMMON, "Latn", own}:
            yield _error(
                f"'{character}' (U+{ord(character):04X}) is {script}, which the voice of this "
                "language can't speak"
            )
        elif unicodedata.category(character)[0] in "PS" and character not in _SPEAKABLE:
            yield _error(
                f"'{character}' (U+{ord(character):04X}) can't be spoken; write it as a word"
            )


def _check_words(message: Message, translation: str, language: Language) -> Iterator[Finding]:
    del message, language
    for word in split_words(translation):
        if word.removeprefix("=").strip().casefold() in CARRIER_WORDS:
            yield _error(f"'{word}' belongs to the carrier; no choice of ours may need it")


_Check = Callable[[Message, str, Language], Iterator[Finding]]
_ALWAYS: tuple[_Check, ...] = (_check_characters, _check_placeholders, _check_mixed_scripts)
_SHOWN: tuple[_Check, ...] = (_check_typing, _check_carrier_words, _check_untranslated)
_SPOKEN: tuple[_Check, ...] = (_check_speech,)
_SENT: tuple[_Check, ...] = (_check_typography,)
_WORD_LIST: tuple[_Check, ...] = (_check_words,)
