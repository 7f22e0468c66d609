/** Puts the page together: the number, the two panes, the tabs. Remembers nothing. */

import { getLine } from './api.js';
import { Handset } from './handset.js';
import { Messages } from './messages.js';
import { byId } from './page.js';
import { Tabs } from './tabs.js';

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);
const ELSEWHERE = 'This is a simulator on a test server.';

const HINT = 'For the first text and for the next call.';
const TEXTS_ONLY = 'Calls have no voice for this language yet. Texts work.';
const NO_LANGUAGES = 'The languages could not be listed. \u201cAny language\u201d works all the same.';

/** Around a name written right to left, so that the words after it keep their place. */
const ISOLATE = '\u2068';
const END_ISOLATE = '\u2069';

const languageSelect = /** @type {HTMLSelectElement} */ (byId('language'));
const languageHint = byId('language-hint');
const unread = byId('unread');
let unreadCount = 0;

const messages = new Messages(() => pathFor('sms'), noteIncoming);
const handset = new Handset(() => pathFor('/voice'), (text) => messages.receive(text));
const tabs = new Tabs(showPane);

sayWhere();
void fillLanguages();

/**
 * The path of the number chosen.
 * @param {string} channel
 * @returns {string}
 */
function pathFor(channel) {
  return languageSelect.value ? `${channel}/${languageSelect.value}` : channel;
}

function noteIncoming() {
  if (tabs.isShown('messages')) return;
  unreadCount += 1;
  showUnread();
}

function showUnread() {
  unread.textContent = unreadCount === 0 ? '' : ` (${unreadCount} new)`;
}

/** @param {string} pane */
function showPane(pane) {
  if (pane === 'call') {
    handset.showLatest();
    return;
  }
  unreadCount = 0;
  showUnread();
  messages.showLatest();
}

/** "On this computer" is promised only where it is so. */
function sayWhere() {
  if (!LOOPBACK.has(location.hostname)) byId('where').textContent = ELSEWHERE;
}

async function fillLanguages() {
  try {
    const { languages, version } = await getLine();
    languageSelect.append(...languages.map(makeOption));
    byId('version').textContent = version ? `referral-line ${version}` : '';
    languageSelect.addEventListener('change', () => hintAt(languages));
  } catch {
    languageHint.textContent = NO_LANGUAGES;
  }
}

/** @param {import('./api.js').Language[]} languages */
function hintAt(languages) {
  const chosen = languages.find(({ tag }) => tag === languageSelect.value);
  languageHint.textContent = chosen && !chosen.spoken ? TEXTS_ONLY : HINT;
}

/**
 * @param {import('./api.js').Language} language
 * @returns {HTMLOptionElement}
 */
function makeOption({ tag, name, direction, draft }) {
  const option = document.createElement('option');
  option.value = tag;
  const shown = direction === 'rtl' ? `${ISOLATE}${name}${END_ISOLATE}` : name;
  option.textContent = draft ? `${shown} (machine draft)` : shown;
  return option;
}
