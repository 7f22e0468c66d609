"""Languages that run from right to left: a phone number keeps its order on every phone."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, sync_playwright

from referral_line.conversation.position import Position
from referral_line.languages.language import known_languages
from referral_line.replies.line import Line

MARK = "\u200e"
PLACES = """
([element, text]) => {
  const range = document.createRange();
  const node = document.querySelector(element).firstChild;
  const at = node.data.indexOf(text);
  return text.split(" ").map((group) => {
    const start = node.data.indexOf(group, at);
    range.setStart(node, start);
    range.setEnd(node, start + group.length);
    return range.getBoundingClientRect().left;
  });
}
"""
"""Where each group of a number begins on the screen."""


def right_to_left(line: Line) -> list[str]:
    """The languages served that run from right to left."""
    return [tag for tag in line.languages if known_languages()[tag].direction == "rtl"]


def test_every_number_of_groups_is_marked(whole_line: Line) -> None:
    """In each message from right to left, a number of several groups stands behind a mark."""
    tags = right_to_left(whole_line)
    assert set(tags) == {"ur", "ar", "fa", "ckb", "ps"}
    found = 0
    for position, reply in whole_line.table.sms.items():
        if position.language in tags:
            for number in re.finditer(r"(.?)\b[0-9]{3,}( [0-9]+)+", reply.text):
                assert number[1] == MARK, (position, number[0])
                found += 1
    assert found > 100


def test_other_languages_have_no_mark(whole_line: Line) -> None:
    """Where text runs from left to right nothing is added."""
    for position, reply in whole_line.table.sms.items():
        if position.language not in right_to_left(whole_line):
            assert MARK not in reply.text


@pytest.fixture(scope="module")
def page(chromium: str) -> Iterator[Page]:
    """An empty page of a real browser, which knows the bidirectional algorithm."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser.new_page()
        browser.close()


@pytest.mark.parametrize("direction", ["rtl", "ltr", "auto"])
@pytest.mark.parametrize("tag", ["ur", "ar", "fa", "ckb", "ps"])
def test_number_is_seen_in_order(whole_line: Line, page: Page, tag: str, direction: str) -> None:
    """Childline's number reads 0800 1111 on the screen, from left to right, in every direction."""
    text = whole_line.table.message(Position(tag, "under-18")).text
    page.set_content(f"<pre dir={direction}></pre>")
    page.locator("pre").evaluate("(element, text) => { element.textContent = text; }", text)
    first, second = page.evaluate(PLACES, ["pre", "0800 1111"])
    assert first < second
    # Without the mark it would not: this is what the test is able to see.
    page.locator("pre").evaluate("(element) => { element.textContent = 'خطر\\n0800 1111'; }")
    page.evaluate("document.querySelector('pre').dir = 'rtl'")
    first, second = page.evaluate(PLACES, ["pre", "0800 1111"])
    assert first > second
