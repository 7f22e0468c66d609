"""What people call a language: its tag, its name in itself, in English and in others."""

from collections.abc import Iterable, Mapping

from babel import Locale, UnknownLocaleError

from referral_line.languages.language import known_languages

GREETING_TAGS = frozenset({"hi"})
"""Tags that English speakers say first: "hi" is a greeting before it is Hindi."""


def language_names(served: Iterable[str]) -> Mapping[str, str]:
    """Map every name of the served languages to its tag; matching is for the caller to do.

    Names come from languages.toml and, in each served language, from CLDR. Where two languages
    share a name, the one served first keeps it.
    """
    tags = list(served)
    names: dict[str, str] = {}
    for tag in tags:
        language = known_languages()[tag]
        own = [language.endonym, language.english_name, *language.menu_name.split(" / ")]
        if tag not in GREETING_TAGS:
            own.append(tag)
        for name in [*own, *_cldr_names(tag, tags)]:
            plain = name.split("(")[0].strip()
            if plain:
                names.setdefault(plain, tag)
    return names


def _cldr_names(tag: str, others: Iterable[str]) -> Iterable[str]:
    for other in others:
        try:
            name = Locale.parse(tag, sep="-").get_display_name(Locale.parse(other, sep="-"))
        except (UnknownLocaleError, ValueError):
            continue
        if name:
            yield name
