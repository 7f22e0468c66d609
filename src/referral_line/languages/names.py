"""What people call a language: its tag, its name in itself, in English and in others."""

from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType

from babel import Locale, UnknownLocaleError
from babel.localedata import locale_identifiers

from referral_line.content.completion import Unserved
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
        for name in (
            language.endonym,
            language.english_name,
            *language.menu_name.split(" / "),
            *language.other_names,
        )
        if name
    ]


def unserved_languages(served: Iterable[str], *, answered_in: str) -> list[Unserved]:
    """List the languages that the line knows of and doesn't speak.

    They are those of languages.toml and all that CLDR has data for, less those served. A language
    goes by its own name, and by the English one where CLDR has no other.

    Args:
        served: Tags of the languages served.
        answered_in: The tag of the language that speakers of the others are answered in.
    """
    tags = set(served)
    # One script served speaks for all: whoever writes "Chinese" finds theirs.
    languages = {tag.partition("-")[0] for tag in tags}
    listed = [row for tag, row in known_languages().items() if tag not in tags]
    found = [
        Unserved(
            row.tag, row.endonym, _plain(row.english_name), tuple(own_names([row.tag])), answered_in
        )
        for row in listed
        if row.tag.partition("-")[0] not in languages
    ]
    languages |= {row.tag.partition("-")[0] for row in listed}
    found += [
        Unserved(tag, name, english, (name, english), answered_in)
        for tag, (name, english) in _cldr_languages().items()
        if tag not in languages
    ]
    return found


@cache
def _cldr_languages() -> Mapping[str, tuple[str, str]]:
    """Every language that CLDR has data for: its own name and its English one, by tag."""
    names: dict[str, tuple[str, str]] = {}
    for identifier in locale_identifiers():
        if "_" not in identifier:
            locale = Locale.parse(identifier)
            english = locale.get_display_name("en")
            if english:
                names[identifier] = (locale.get_display_name() or english, english)
    return MappingProxyType(names)


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
