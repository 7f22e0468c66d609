/** The call pane: button, keypad, transcript. */

import { Call } from './call.js';
import { KEYS } from './keys.js';
import { byId, makeLine } from './page.js';
import { browserTag, Speaker } from './voice.js';

/** The three states of the pane, in the words shown. */
const STATE = Object.freeze({ none: 'No call', on: 'In a call', ended: 'Call ended' });

const EMPTY_TRANSCRIPT =
  'What is said in the call is written here. Sound is off until you switch it on. ' +
  'The keys of a keyboard work too, once you have clicked or tabbed into this part.';
const NO_CALL = 'There is no call now. Choose Call first.';
const NOT_LISTENING = 'The line is not asking for a key at this moment.';
const LIT_MS = 160;

/** The call pane. */
export class Handset {
  #pane = byId('call');
  #transcript = byId('transcript');
  #button = byId('call-button');
  #state = byId('call-state');
  #hint = byId('call-hint');
  #keypad = byId('keypad');
  #waitLeft = byId('wait-left');
  #skip = /** @type {HTMLButtonElement} */ (byId('skip-wait'));
  #sound = /** @type {HTMLInputElement} */ (byId('sound'));
  #speaker = new Speaker();
  /** @type {Call | null} */
  #call = null;
  /** @type {() => string} */
  #pathOf;
  /** @type {(text: string) => void} */
  #receiveSms;

  /**
   * @param {() => string} pathOf the path of the number that is called
   * @param {(text: string) => void} receiveSms takes a text message sent during a call
   */
  constructor(pathOf, receiveSms) {
    this.#pathOf = pathOf;
    this.#receiveSms = receiveSms;
    this.#sound.checked = false; // Some browsers restore switches on reload; we remember nothing.
    this.#transcript.append(makeLine('note', EMPTY_TRANSCRIPT));
    this.#showWait(null);
    this.#showListening(false);
    this.#listen();
  }

  /** Bring the newest line into view. */
  showLatest() {
    this.#transcript.scrollTop = this.#transcript.scrollHeight;
  }

  #listen() {
    this.#button.addEventListener('click', () => this.#toggleCall());
    this.#skip.addEventListener('click', () => this.#call?.skipWait());
    this.#sound.addEventListener('change', () => this.#changeSound());
    this.#keypad.addEventListener('click', (event) => this.#pressButton(event));
    this.#pane.addEventListener('keydown', (event) => this.#pressPhysical(event));
    globalThis.addEventListener('pagehide', () => this.#speaker.stop());
  }

  #toggleCall() {
    if (this.#call) this.#call.hangUp();
    else this.#startCall();
  }

  #startCall() {
    this.#transcript.replaceChildren();
    this.#hint.textContent = '';
    this.#showState(STATE.on);
    const call = new Call(this.#makeView(), this.#speaker);
    this.#call = call;
    void call.run(this.#pathOf());
  }

  /** @returns {import('./call.js').CallView} */
  #makeView() {
    return {
      showSaid: (text, language) => this.#showSaid(text, language),
      showNote: (text) => this.#append(makeLine('note', text)),
      showPressed: (key) => this.#append(makeLine('pressed', `You pressed ${key}`)),
      showWait: (left) => this.#showWait(left),
      showListening: (isListening) => this.#showListening(isListening),
      isSoundOn: () => this.#sound.checked,
      receiveSms: this.#receiveSms,
      onEnd: () => this.#endCall(),
    };
  }

  #endCall() {
    this.#call = null;
    this.#hint.textContent = '';
    this.#showState(STATE.ended);
  }

  #changeSound() {
    if (this.#sound.checked) this.#speaker.wake();
    else this.#speaker.stop();
  }

  /** @param {MouseEvent} event */
  #pressButton(event) {
    const button = event.target instanceof Element ? event.target.closest('[data-key]') : null;
    if (button instanceof HTMLElement) this.#press(button.dataset.key ?? '');
  }

  /** @param {KeyboardEvent} event */
  #pressPhysical(event) {
    // '#' needs Shift or AltGr on many keyboards, so only what makes a shortcut is left alone.
    const isAltGr = event.getModifierState('AltGraph');
    const isShortcut = !isAltGr && (event.ctrlKey || event.altKey);
    if (event.repeat || isShortcut || event.metaKey) return;
    if (event.key.length !== 1 || !KEYS.includes(event.key)) return;
    event.preventDefault();
    this.#light(event.key);
    this.#press(event.key);
  }

  /** @param {string} key */
  #press(key) {
    if (!this.#call) this.#hint.textContent = NO_CALL;
    else this.#hint.textContent = this.#call.press(key) ? '' : NOT_LISTENING;
  }

  /**
   * Show on the keypad which key was pressed on the keyboard.
   * @param {string} key
   */
  #light(key) {
    const button = this.#keypad.querySelector(`[data-key="${CSS.escape(key)}"]`);
    button?.classList.add('lit');
    setTimeout(() => button?.classList.remove('lit'), LIT_MS);
  }

  /** @param {string} state one of STATE */
  #showState(state) {
    const isOn = state === STATE.on;
    this.#state.textContent = state;
    this.#button.textContent = isOn ? 'Hang up' : 'Call';
    this.#button.classList.toggle('stop', isOn);
  }

  /** @param {boolean} isListening */
  #showListening(isListening) {
    this.#keypad.dataset.listening = String(isListening);
  }

  /** @param {number | null} left seconds; null: not waiting */
  #showWait(left) {
    this.#waitLeft.textContent = left === null ? '' : `Waiting for a key: ${left} s`;
    if (left === null && document.activeElement === this.#skip) {
      // Focus would fall out of the pane with the button, and the keyboard with it.
      this.#pane.focus({ preventScroll: true });
    }
    this.#skip.hidden = left === null;
  }

  /**
   * @param {string} text
   * @param {string} language the carrier's name for it
   */
  #showSaid(text, language) {
    // Screen readers and fonts know zh-CN where the carrier writes cmn-CN.
    const line = makeLine('said', text, { dir: 'auto', lang: browserTag(language) });
    line.dataset.language = language;
    this.#append(line);
  }

  /** @param {HTMLElement} line */
  #append(line) {
    this.#transcript.append(line);
    this.showLatest();
  }
}
