"""What no translator can do by mistake: a row for each kind of fault, and for what is right."""

import pytest

from referral_line.content.model import Message
from referral_line.errors import Severity
from referral_line.languages.checks import check_translation
from referral_line.languages.language import known_languages
from referral_line.languages.scripts import script_of

SMS = Message("paid/sms", "Don't pay again.\nPolice: {police-101}\nUnder 18: tell us.", 1)
VOICE = Message("paid/voice", "Don't pay again.\n\nCall {police-101}.", 1)
WORDS = Message("paid/words", "paid, ={police-101}", 1, key="Words for paid")
DIGITS = Message(
    "phrase/digits/voice", "zero, one, two, three, four, five, six, seven, eight, nine", 1
)
LABEL = Message("home/paid/voice", "If you have paid, press {key}.", 1)

# id → message, language, translation, what is said of it
WRONG: dict[str, tuple[Message, str, str, str]] = {
    "lost-placeholder": (
        SMS,
        "pl",
        "Nie płać.\nPolicja\nPoniżej 18.",
        "lost the placeholder {police-101}",
    ),
    "extra-placeholder": (SMS, "pl", "{police-101} {police-101}", "extra placeholder {police-101}"),
    "altered-placeholder": (SMS, "pl", "{police-999}", "extra placeholder {police-999}"),
    "renamed-placeholder": (SMS, "pl", "{policja-101}", "extra placeholder {policja-101}"),
    "broken-brace": (SMS, "pl", "{police-101", "brace that belongs to no placeholder"),
    "lost-key": (LABEL, "pl", "Jeśli płacisz, naciśnij jeden.", "lost the placeholder {key}"),
    "typed-key": (LABEL, "pl", "Naciśnij 1 {key}.", "has the number '1'"),
    "typed-digit": (SMS, "pl", "{police-101} albo 997", "has the number '997'"),
    "typed-native-digit": (SMS, "bn", "{police-101} ১০১", "has the number '১০১'"),
    "typed-link": (SMS, "pl", "{police-101} www.policja.pl", "has the link 'www.policja.pl'"),
    "carrier-word": (SMS, "pl", "{police-101} wyślij STOP", "'STOP' reads as STOP"),
    "carrier-word-small": (SMS, "pl", "{police-101} wyślij help", "'help' reads as HELP"),
    "carrier-word-cyrillic": (SMS, "bg", "{police-101} изпрати СТОП", "'СТОП' reads as STOP"),
    "carrier-word-arabic": (SMS, "ar", "{police-101} أرسل ستوب", "'ستوب' reads as STOP"),
    "carrier-word-urdu": (SMS, "ur", "{police-101} ہیلپ لکھیں", "reads as HELP"),
    "carrier-word-gurmukhi": (SMS, "pa", "{police-101} ਸਟਾਪ ਭੇਜੋ", "reads as STOP"),
    "carrier-word-bengali": (SMS, "bn", "{police-101} স্টপ লিখুন", "reads as STOP"),
    "carrier-word-tamil": (SMS, "ta", "{police-101} ஸ்டாப் அனுப்பு", "reads as STOP"),
    "carrier-word-greek": (SMS, "el", "{police-101} στείλε ΣΤΟΠ", "reads as STOP"),
    "carrier-word-wide": (SMS, "zh-Hans", "{police-101} 发 ＳＴＯＰ", "reads as STOP"),
    "control": (SMS, "pl", "{police-101}\x1b", "U+001B, which breaks a reply"),
    "private-use": (SMS, "pl", "{police-101}\ue000", "U+E000, which breaks a reply"),
    "direction-mark": (SMS, "ar", "\u200f{police-101}", "direction mark U+200F"),
    "direction-isolate": (SMS, "ur", "\u2066{police-101}\u2069", "direction mark U+2066"),
    "invisible": (SMS, "pl", "{police-101}\u200b", "invisible character U+200B"),
    "joiner": (SMS, "pl", "{police-101}a\u200db", "joiner U+200D"),
    "mixed-scripts": (SMS, "bg", "{police-101} пoлиция", "mixes letters of Cyrl and Latn"),
    "mixed-scripts-greek": (SMS, "el", "{police-101} αστυνoμία", "mixes letters of Grek and Latn"),
    "untranslated": (SMS, "pl", SMS.text, "is still English"),
    "english-words": (
        Message("x/sms", "Write down the links where it is shared.", 1),
        "pl",
        "Zapisz the links where it is.",
        "has the English words",
    ),
    "typography": (SMS, "so", "{police-101} ‘haa’", "alone makes the whole message UCS-2"),
    "paragraphs": (VOICE, "pl", "Nie płać. {police-101}.", "another number of paragraphs"),
    "nine-digits": (
        DIGITS,
        "pl",
        "zero, jeden, dwa, trzy, cztery, pięć, sześć, siedem, osiem",
        "9 words",
    ),
    "same-digit-twice": (
        DIGITS,
        "pl",
        "zero, jeden, jeden, trzy, cztery, pięć, sześć, siedem, osiem, dziewięć",
        "'jeden' stands for two digits",
    ),
    "unspeakable-script": (VOICE, "hi", "मत दो।\n\n{police-101} پولیس", "is Arab, which the voice"),
    "unspeakable-sign": (
        VOICE,
        "pl",
        "Nie płać.\n\n{police-101} / policja",
        "'/' (U+002F) can't be spoken",
    ),
    "unspeakable-emoji": (VOICE, "pl", "Nie płać.\n\n{police-101} 🙂", "can't be spoken"),
    "carrier-choice": (WORDS, "pl", "zapłacone, =stop", "'=stop' belongs to the carrier"),
    "service-in-words": (WORDS, "pl", "{samaritans}", "extra placeholder {samaritans}"),
}


@pytest.mark.parametrize(
    ("message", "tag", "translation", "text"), WRONG.values(), ids=WRONG.keys()
)
def test_mistake_is_told(message: Message, tag: str, translation: str, text: str) -> None:
    """Each mistake is one sentence that names what is wrong."""
    found = [told for _, told in check_translation(message, translation, known_languages()[tag])]
    assert any(text in told for told in found), found


RIGHT: dict[str, tuple[Message, str, str]] = {
    "polish": (
        SMS,
        "pl",
        "Nie płać więcej.\nPolicja: {police-101}\nPoniżej 18 lat: napisz do nas.",
    ),
    "arabic": (SMS, "ar", "لا تدفع مرة أخرى.\nالشرطة: {police-101}\nأقل من 18: أخبرنا."),
    "persian-joiner": (SMS, "fa", "دیگر نپردازید.\nپلیس: {police-101}\nمی\u200cتوانید بگویید. 18"),
    "latin-name": (SMS, "bg", "CEOP-формуляр. Полиция: {police-101}"),
    "curly-in-ucs2": (
        SMS,
        "fr",
        "Ne payez plus.\nPolice : {police-101}\nMoins de 18 ans : dites-le.",
    ),
    "chinese": (VOICE, "zh-Hans", "不要再付钱。\n\n请拨打{police-101}。"),
    "words": (WORDS, "pl", "zapłac*, już ... zapłacon*, ={police-101}"),
    "english-has-it": (Message("x/sms", "Take a stop. Get help.", 1), "pl", "Stop. Pomoc."),
}


@pytest.mark.parametrize(("message", "tag", "translation"), RIGHT.values(), ids=RIGHT.keys())
def test_what_is_right_is_left_alone(message: Message, tag: str, translation: str) -> None:
    """A sound translation has no finding."""
    assert list(check_translation(message, translation, known_languages()[tag])) == []


def test_only_cost_is_a_warning() -> None:
    """What harms a caller keeps a language out of service; what only costs does not."""
    somali = known_languages()["so"]
    found = dict.fromkeys(
        severity for severity, _ in check_translation(SMS, "{police-101} “a”", somali)
    )
    assert list(found) == [Severity.WARNING]


@pytest.mark.parametrize(
    ("character", "script"),
    [
        ("a", "Latn"),
        ("я", "Cyrl"),
        ("ش", "Arab"),
        ("ਪ", "Guru"),
        ("漢", "Hani"),
        ("9", "Zyyy"),
        ("ሀ", "Ethi"),
    ],
)
def test_letters_know_their_script(character: str, script: str) -> None:
    """Each letter belongs to one script; digits belong to all."""
    assert script_of(character) == script
