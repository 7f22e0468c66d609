/** The message pane: one thread, and the handset that the carrier knows by a cookie. */

import { ApiError, postSms } from './api.js';
import { byId, makeLine, makeText } from './page.js';
import { parseMessages } from './twiml.js';

const SECOND_MS = 1000;
/** Less than the gap between bubbles, so that no sliver of the one before is left. */
const PEEK_PX = 6;

const EMPTY_THREAD = 'No messages yet. Type any word and choose Send.';
const EMPTY_BODY = 'Type a message first.';
const PICTURE = 'A picture (nothing was uploaded)';
const SENT_IN_CALL = 'Sent during the call';
const NO_MESSAGE = 'The line sent no message back.';
const UNREADABLE = 'The line\u2019s answer could not be read.';

/** What the carrier keeps for one handset: the line's cookie, as long as the line asked. */
class Carrier {
  #cookie = '';
  #until = 0;

  /** @returns {string} */
  get cookie() {
    return Date.now() < this.#until ? this.#cookie : '';
  }

  /**
   * @param {string} cookie
   * @param {number} maxAge seconds; 0 means forget
   */
  keep(cookie, maxAge) {
    if (maxAge <= 0) {
      this.#cookie = '';
      this.#until = 0;
    } else if (cookie) {
      this.#cookie = cookie;
      this.#until = Date.now() + maxAge * SECOND_MS;
    }
  }
}

/** The message pane. */
export class Messages {
  #thread = byId('thread');
  #hint = byId('sms-hint');
  #body = /** @type {HTMLInputElement} */ (byId('sms-body'));
  #carrier = new Carrier();

  /** Messages go one after another, each with the cookie of the answer before. */
  #queue = Promise.resolve();

  /** @type {() => string} */
  #pathOf;
  /** @type {() => void} */
  #onIncoming;

  /**
   * @param {() => string} pathOf the path of the number that is texted
   * @param {() => void} onIncoming called when a message arrives
   */
  constructor(pathOf, onIncoming) {
    this.#pathOf = pathOf;
    this.#onIncoming = onIncoming;
    byId('sms-form').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#sendText();
    });
    byId('sms-picture').addEventListener('click', () => this.#sendPicture());
    byId('sms-new').addEventListener('click', () => this.#changeHandset());
    this.#clear();
  }

  /**
   * Show a message that the line sent during a call.
   * @param {string} text
   */
  receive(text) {
    this.#addIncoming(text, SENT_IN_CALL);
  }

  /** Bring the newest message into view, from its first line where it is long. */
  showLatest() {
    const last = this.#thread.lastElementChild;
    if (!(last instanceof HTMLElement)) return;
    this.#thread.scrollTop = last.offsetTop - PEEK_PX;
  }

  #sendText() {
    const body = this.#body.value;
    if (body.trim() === '') {
      this.#hint.textContent = EMPTY_BODY;
      this.#body.focus();
      return;
    }
    this.#body.value = '';
    this.#body.focus();
    this.#send({ body, pictures: 0 }, body);
  }

  #sendPicture() {
    this.#send({ body: '', pictures: 1 }, PICTURE);
  }

  #changeHandset() {
    this.#carrier = new Carrier();
    this.#clear();
    this.#body.focus();
  }

  #clear() {
    this.#hint.textContent = '';
    this.#thread.replaceChildren(makeLine('note empty', EMPTY_THREAD));
  }

  /**
   * @param {{body: string, pictures: number}} content
   * @param {string} shown
   */
  #send(content, shown) {
    this.#hint.textContent = '';
    this.#addEntry('out', 'You wrote:', shown, '');
    const carrier = this.#carrier;
    const path = this.#pathOf();
    this.#queue = this.#queue.then(() => this.#deliver({ ...content, path }, carrier));
  }

  /**
   * @param {{body: string, pictures: number, path: string}} message
   * @param {Carrier} carrier
   * @returns {Promise<void>}
   */
  async #deliver(message, carrier) {
    try {
      const answer = await postSms({ ...message, cookie: carrier.cookie });
      // A new handset gets no answer that was meant for the old one.
      if (carrier !== this.#carrier) return;
      carrier.keep(answer.cookie, answer.maxAge);
      this.#showAnswer(answer);
    } catch (error) {
      if (carrier === this.#carrier) this.#showTrouble(error, message.body);
    }
  }

  /** @param {import('./api.js').SmsAnswer} answer */
  #showAnswer(answer) {
    const texts = parseMessages(answer.twiml);
    if (texts.length === 0) this.#append(makeLine('note', NO_MESSAGE));
    for (const text of texts) this.#addIncoming(text, describeSize(answer));
  }

  /**
   * @param {unknown} error
   * @param {string} body what was typed; handed back so that nobody types it twice
   */
  #showTrouble(error, body) {
    const reason = error instanceof ApiError ? error.message : UNREADABLE;
    this.#append(makeLine('note', `${reason} You can try again.`));
    if (this.#body.value === '') this.#body.value = body;
  }

  /**
   * @param {string} text
   * @param {string} meta
   */
  #addIncoming(text, meta) {
    this.#addEntry('in', 'The line wrote:', text, meta);
    this.#onIncoming();
  }

  /**
   * @param {'in' | 'out'} side
   * @param {string} who for screen readers, which do not see the side
   * @param {string} text
   * @param {string} meta
   */
  #addEntry(side, who, text, meta) {
    const entry = document.createElement('div');
    entry.className = `entry ${side}`;
    // The bubble holds the text alone, as it came; what we add stands beside it.
    entry.append(makeText('span', 'unseen', who), makeLine(`bubble ${side}`, text, { dir: 'auto' }));
    if (meta) entry.append(makeText('p', 'meta', meta));
    this.#append(entry);
  }

  /** @param {HTMLElement} element */
  #append(element) {
    this.#thread.querySelector('.empty')?.remove();
    this.#thread.append(element);
    this.showLatest();
  }
}

/**
 * @param {import('./api.js').SmsAnswer} answer
 * @returns {string}
 */
function describeSize({ segments, encoding }) {
  const parts = [];
  if (segments !== null) parts.push(segments === 1 ? '1 segment' : `${segments} segments`);
  if (encoding) parts.push(encoding);
  return parts.join(', ');
}
