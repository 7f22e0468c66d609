"""The step from one position to the next."""

from collections.abc import Mapping
from dataclasses import replace

from referral_line.content.completion import unserved_node
from referral_line.content.model import (
    CARRIER_WORDS,
    OPT_OUT_WORDS,
    REPEAT_KEY,
    Channel,
    Option,
    Script,
)
from referral_line.conversation.position import MAX_TURN, Input, Position
from referral_line.conversation.vocabulary import Vocabulary
from referral_line.languages.detection import Detector
from referral_line.languages.language import known_languages
from referral_line.languages.wording import find_number, normalise


class Conversation:
    """The completed script and its vocabulary: everything a step needs. Holds no state."""

    def __init__(
        self,
        script: Script,
        vocabulary: Vocabulary,
        detector: Detector,
        *,
        default_language: str,
    ) -> None:
        """Prepare the menus for look-up by key."""
        self._script = script
        self._vocabulary = vocabulary
        self._detector = detector
        self._languages = {tag.casefold(): tag for tag in vocabulary.tags}
        self._codes = {known_languages()[tag].code: tag for tag in vocabulary.tags}
        self._lists = (script.roles["languages"], script.roles["more-languages"])
        self.default_language = default_language
        self._menus: Mapping[tuple[str, Channel], Mapping[str, Option]] = {
            (node.id, channel): {o.key: o for o in node.options if o.is_offered(channel)}
            for node in script.nodes.values()
            for channel in Channel
        }

    def start(self, language: str | None = None) -> Position:
        """Return the first position, in a served language or else in the default one."""
        tag = self._languages.get((language or "").casefold(), self.default_language)
        return Position(tag, self._script.roles["start"])

    def offer_languages(self) -> Position:
        """Return where an incoming call begins: the choice of language, where there is one."""
        start = self.start()
        if len(self._languages) == 1:
            return start
        return replace(start, node=self._script.roles["languages"])

    def is_known(self, position: Position) -> bool:
        """Whether a position read back from a store or a path exists in this conversation."""
        return (
            position.language in self._languages.values()
            and position.node in self._script.nodes
            and 0 <= position.turn <= MAX_TURN
        )

    def has_ended(self, position: Position) -> bool:
        """Whether nothing is to be remembered after this position."""
        return self._script.nodes[position.node].ends

    def begin(self, given: Input, language: str | None = None) -> Position:
        """Answer the first message of a conversation.

        The first menu opens every conversation, in the language that the message names or is
        written in; a crisis, a picture, or the wish to finish comes before it.
        """
        start = self.start(language)
        text = normalise(given.text)
        # A number that serves one language expects it; a name of another one still counts.
        detected = None if language else self._detector.detect(given.text)
        here = replace(start, language=detected or start.language)
        if urgent := self._urgent(here, given, text):
            return urgent
        wish = self._by_key(start, given, text)
        if wish is not None and wish.node in {
            self._script.roles["finish"],
            self._script.roles["distress"],
        }:
            # An old menu is still on the phone; these two keys mean the same in all of them.
            return wish
        found = self._vocabulary.words.find(text, start.language)
        whole = self._vocabulary.find_language(text, here.language, is_whole=True)
        leads = {self._script.roles["finish"], self._script.roles["languages"]}
        if found and found[1] in leads and whole is None:
            return Position(*found)
        named = self._vocabulary.find_language(text, here.language) or self._codes.get(
            self._number_alone(text)
        )
        if named is None and (unserved := self._unserved(start, text)):
            return unserved
        if named is None and detected is None and found:
            detected = found[0]
        if named is None and detected is None and language is None:
            tag = self._detector.detect_unserved(given.text)
            if tag and unserved_node(tag) in self._script.nodes:
                return replace(start, node=unserved_node(tag))
        return replace(start, language=named or detected or start.language)

    def advance(self, position: Position, given: Input) -> Position:
        """Take one step. Pure: the same position and input always give the same position.

        Crisis words come first, then pictures, the carrier's words, a language by name, a key,
        a name typed where one is asked for, the words of the choices, the language they are in.
        What isn't understood, and silence, count a turn at the same node.
        """
        text = normalise(given.text)
        is_silent = not given.text.strip() and not given.has_picture
        if is_silent and position.node == self._script.roles["languages"]:
            # Who says nothing at the choice of language hears the rules without waiting longer.
            return Position(position.language, self._script.roles["start"])
        return (
            self._urgent(position, given, text)
            or self._by_language(position, text)
            or self._by_key(position, given, text)
            or self._by_typed_name(position, text)
            or self._by_words(position, text)
            or self._by_detection(position, given.text)
            or replace(position, turn=min(position.turn + 1, MAX_TURN))
        )

    def _urgent(self, position: Position, given: Input, text: str) -> Position | None:
        """What comes before any menu, wherever the caller is."""
        if found := self._vocabulary.find_crisis(text, position.language):
            return Position(*found)
        if given.has_picture:
            return Position(position.language, self._script.roles["picture"])
        if text in OPT_OUT_WORDS:
            return Position(position.language, self._script.roles["finish"])
        if text in CARRIER_WORDS:
            return Position(position.language, self._script.roles["start"])
        return None

    def _by_language(self, position: Position, text: str) -> Position | None:
        asked = self._vocabulary.words.find(text, position.language)
        tag = self._vocabulary.find_language(text, position.language, is_whole=True)
        if tag is None and asked is not None and asked[1] == self._script.roles["languages"]:
            # "I don't speak English" names a language, but asks for another.
            return Position(*asked)
        tag = tag or self._vocabulary.find_language(text, position.language)
        if tag is None:
            return self._unserved(position, text)
        return self._in_language(position, tag)

    def _in_language(self, position: Position, tag: str) -> Position:
        """Go on in another language: here, or from a choice of languages at the first menu."""
        if position.node in self._lists or self._script.nodes[position.node].language:
            return self.start(tag)
        return Position(tag, position.node)

    def _unserved(self, position: Position, text: str) -> Position | None:
        """Answer someone who names a language we don't speak: in its name, or with the list."""
        tag = self._vocabulary.find_unserved(text)
        if tag is None:
            return None
        node = unserved_node(tag)
        if self._script.nodes[node].language == position.language:
            return Position(position.language, node)
        return Position(position.language, self._script.roles["languages"])

    def _by_key(self, position: Position, given: Input, text: str) -> Position | None:
        if given.text.strip() == REPEAT_KEY:
            return replace(position, turn=0)
        labels = self._vocabulary.labels[position.language, position.node]
        words = self._vocabulary.digits[position.language]
        key = labels.get(text) or words.get(text) or self._number_alone(text)
        option = self._menus[position.node, given.channel].get(key)
        if option is None and position.node in self._lists and key in self._codes:
            return self.start(self._codes[key])
        if option is None:
            return None
        return Position(option.language or position.language, option.to)

    def _number_alone(self, text: str) -> str:
        """Return the only number of a text with nothing but courtesy around it, or nothing.

        One other word may follow it ("2 thank you kindly"), but none may come before: "I'm 9" and
        "paid 2" are no choices.
        """
        number = find_number(text) or ""
        before, found, after = f" {text} ".partition(f" {number} ")
        if not number or not found:
            return ""
        is_choice = self._vocabulary.is_polite(before.split()) and self._vocabulary.is_courtesy(
            after.split()
        )
        return number if is_choice else ""

    def _by_typed_name(self, position: Position, text: str) -> Position | None:
        names = self._vocabulary.typed.get(position.node)
        found = names.find(text, "") if names else None
        return Position(position.language, found[1]) if found else None

    def _by_detection(self, position: Position, text: str) -> Position | None:
        """Go on in the language of a message that none of our words is in."""
        tag = self._detector.detect(text)
        return self._in_language(position, tag) if tag and tag != position.language else None

    def _by_words(self, position: Position, text: str) -> Position | None:
        found = self._vocabulary.words.find(text, position.language)
        return Position(*found) if found else None
