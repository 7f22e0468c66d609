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
        short = () if tag in GREETING_TAGS else (tag,)
        for name in (*own_names([tag]), *short, *map(_plain, _cldr_names(tag, tags))):
            names.setdefault(name, tag)
    return names


def own_names(tags: Iterable[str]) -> list[str]:
    """List the names of languages in themselves and in English, without tags."""
    languages = [known_languages()[tag] for tag in tags]
    return [
        _plain(name)
        for language in languages
        for name in (language.endonym, language.english_name, *language.menu_name.split(" / "))
        if name
    ]


def _plain(name: str) -> str:
    """Take off what stands in brackets: "Kurdish (Sorani)" is asked for as Kurdish."""
    return name.partition("(")[0].strip()


def _cldr_names(tag: str, others: Iterable[str]) -> Iterable[str]:
    for other in others:
        try:
            name = Locale.parse(tag, sep="-").get_display_name(Locale.parse(other, sep="-"))
        except (UnknownLocaleError, ValueError):
            continue
        if name:
            yield name
