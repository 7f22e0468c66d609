/** The call: plays the line's TwiML turn by turn, as the carrier would. */

import { ApiError, postVoice } from './api.js';
import { anyOf, countDown, wait } from './clock.js';
import { KeyListener } from './keys.js';
import { parseCall } from './twiml.js';
import { estimateSeconds, languageName } from './voice.js';

const SECOND_MS = 1000;
/** With sound off: long enough that lines come one by one, too short to wait for. */
const SILENT_LINE_MS = 350;
const SILENT_PAUSE_MS = 100;
/** With sound off, people read at their own pace before they choose. */
const SILENT_TIMEOUT_SECONDS = 20;
const DIAL_MS = 3000;
/** So many turns without a word or a wait are a loop, not a call. */
const MAX_EMPTY_TURNS = 20;

const ENDED = 'The call has ended.';
const HUNG_UP = 'You hung up.';
const NO_KEY = 'No key was pressed.';
const UNREADABLE = 'The line\u2019s answer could not be read.';
const LOOPING = 'The line only passed the call on, again and again.';
const TEXT_ARRIVED = 'A text message arrived. It is under Messages.';

/**
 * What the call needs from the page.
 * @typedef {object} CallView
 * @property {(text: string, language: string) => void} showSaid
 * @property {(text: string) => void} showNote
 * @property {(key: string) => void} showPressed
 * @property {(secondsLeft: number | null) => void} showWait null: not waiting
 * @property {(isListening: boolean) => void} showListening
 * @property {() => boolean} isSoundOn
 * @property {(text: string) => void} receiveSms
 * @property {() => void} onEnd
 *
 * @typedef {{path: string, digits: string | null}} Step
 */

/** One call, from dialling to the end. */
export class Call {
  /** @type {CallView} */
  #view;
  /** @type {import('./voice.js').Speaker} */
  #speaker;
  #hangUp = new AbortController();
  #skip = new AbortController();
  /** @type {KeyListener | null} */
  #listener = null;
  /** @type {import('./api.js').Captions} What the recordings of this turn say. */
  #captions = new Map();
  /** Languages this browser was found to have no voice for; said once each. */
  #unspoken = new Set();

  /**
   * @param {CallView} view
   * @param {import('./voice.js').Speaker} speaker
   */
  constructor(view, speaker) {
    this.#view = view;
    this.#speaker = speaker;
  }

  /**
   * Dial, and stay until the call ends.
   * @param {string} path
   * @returns {Promise<void>}
   */
  async run(path) {
    try {
      await this.#converse({ path, digits: null });
      if (!this.#hasEnded) this.#view.showNote(ENDED);
    } catch (error) {
      if (!this.#hasEnded) this.#view.showNote(describeTrouble(error));
    }
    if (!this.#hasEnded) this.#end();
  }

  /** The caller hangs up. */
  hangUp() {
    if (this.#hasEnded) return;
    this.#view.showNote(HUNG_UP);
    this.#end();
  }

  /**
   * Press a key.
   * @param {string} key
   * @returns {boolean} whether the line was listening
   */
  press(key) {
    if (!this.#listener) return false;
    this.#view.showPressed(key);
    this.#listener.take(key);
    return true;
  }

  /** Let the silence be over. */
  skipWait() {
    this.#skip.abort();
  }

  /** @returns {boolean} */
  get #hasEnded() {
    return this.#hangUp.signal.aborted;
  }

  #end() {
    this.#hangUp.abort();
    this.#speaker.stop();
    this.#stopListening();
    this.#view.onEnd();
  }

  /**
   * @param {Step} first
   * @returns {Promise<void>}
   */
  async #converse(first) {
    /** @type {Step | null} */
    let step = first;
    let emptyTurns = 0;
    while (step && !this.#hasEnded) {
      const answer = await postVoice(step, this.#hangUp.signal);
      this.#captions = answer.captions;
      const verbs = parseCall(answer.twiml);
      emptyTurns = verbs.some(takesTime) ? 0 : emptyTurns + 1;
      if (emptyTurns > MAX_EMPTY_TURNS) throw new ApiError(LOOPING);
      step = await this.#perform(verbs, step.path);
    }
  }

  /**
   * Do one turn.
   * @param {import('./twiml.js').Verb[]} verbs
   * @param {string} here the path that gave them
   * @returns {Promise<Step | null>} the next turn; null: the call is over
   */
  async #perform(verbs, here) {
    for (const verb of verbs) {
      if (this.#hasEnded) return null;
      switch (verb.kind) {
        case 'say':
        case 'play':
        case 'pause':
          await this.#play([verb], this.#hangUp.signal);
          break;
        case 'sms':
          this.#view.receiveSms(verb.text);
          this.#view.showNote(TEXT_ARRIVED);
          break;
        case 'gather': {
          const digits = await this.#gather(verb);
          if (!digits && !this.#hasEnded) this.#view.showNote(NO_KEY);
          if (digits || verb.actionOnEmptyResult) return { path: verb.action ?? here, digits };
          break;
        }
        case 'dial':
          await this.#dial(verb.number);
          if (verb.action) return { path: verb.action, digits: null };
          break;
        case 'redirect':
          return { path: verb.path, digits: null };
        case 'hangup':
          return null;
      }
    }
    return null;
  }

  /**
   * Listen during the prompt and a while after it.
   * @param {import('./twiml.js').Gather} gather
   * @returns {Promise<string>} the keys; '' for silence
   */
  async #gather(gather) {
    const listener = new KeyListener(gather);
    this.#startListening(listener);
    await this.#play(gather.prompt, anyOf(this.#hangUp.signal, listener.nextKey));
    while (!listener.isComplete && !this.#hasEnded) {
      const before = listener.typed;
      await this.#waitForKey(gather.timeout, listener);
      if (listener.typed === before) break;
    }
    // After the end the pane may belong to the next call already.
    if (!this.#hasEnded) this.#stopListening();
    return listener.typed;
  }

  /** @param {KeyListener} listener */
  #startListening(listener) {
    this.#listener = listener;
    this.#view.showListening(true);
  }

  #stopListening() {
    this.#listener = null;
    this.#view.showListening(false);
    this.#view.showWait(null);
  }

  /**
   * @param {number} timeout seconds
   * @param {KeyListener} listener
   * @returns {Promise<void>}
   */
  async #waitForKey(timeout, listener) {
    const seconds = this.#view.isSoundOn() ? timeout : Math.max(timeout, SILENT_TIMEOUT_SECONDS);
    this.#skip = new AbortController();
    const stop = anyOf(this.#hangUp.signal, listener.nextKey, this.#skip.signal);
    await countDown(seconds, this.#view.showWait, stop);
    if (!this.#hasEnded) this.#view.showWait(null);
  }

  /**
   * @param {(import('./twiml.js').Say | import('./twiml.js').Play | import('./twiml.js').Pause)[]} parts
   * @param {AbortSignal} signal
   * @returns {Promise<void>}
   */
  async #play(parts, signal) {
    for (const part of parts) {
      if (signal.aborted) return;
      if (part.kind === 'say') await this.#say(part, signal);
      else if (part.kind === 'play') await this.#playRecording(part.path, signal);
      else await this.#pause(part.seconds, signal);
    }
  }

  /**
   * @param {number} seconds
   * @param {AbortSignal} signal
   * @returns {Promise<void>}
   */
  #pause(seconds, signal) {
    return wait(this.#view.isSoundOn() ? seconds * SECOND_MS : SILENT_PAUSE_MS, signal);
  }

  /**
   * @param {import('./twiml.js').Say} say
   * @param {AbortSignal} signal
   * @returns {Promise<void>}
   */
  async #say({ text, language }, signal) {
    if (!this.#view.isSoundOn()) {
      this.#view.showSaid(text, language);
      await wait(SILENT_LINE_MS, signal);
      return;
    }
    const voice = await this.#speaker.findVoice(language);
    if (signal.aborted) return;
    if (!voice) this.#explainSilence(language);
    this.#view.showSaid(text, language);
    const wasSpoken = voice !== null && (await this.#speaker.speak(text, voice, signal));
    if (!wasSpoken) await this.#passTime(text, signal);
  }

  /**
   * @param {string} path
   * @param {AbortSignal} signal
   * @returns {Promise<void>}
   */
  async #playRecording(path, signal) {
    const caption = this.#captions.get(path);
    if (caption) this.#view.showSaid(caption.text, caption.tag);
    const text = caption?.text ?? '';
    if (!this.#view.isSoundOn()) return wait(SILENT_LINE_MS, signal);
    if (!(await this.#speaker.playRecording(path, signal))) await this.#passTime(text, signal);
  }

  /**
   * Let the time of a spoken text pass, in steps, so that switching sound off ends it soon.
   * @param {string} text
   * @param {AbortSignal} signal
   * @returns {Promise<void>}
   */
  async #passTime(text, signal) {
    const end = performance.now() + estimateSeconds(text) * SECOND_MS;
    while (!signal.aborted && this.#view.isSoundOn() && performance.now() < end) {
      await wait(SILENT_LINE_MS, signal);
    }
  }

  /** @param {string} language */
  #explainSilence(language) {
    if (this.#unspoken.has(language)) return;
    this.#unspoken.add(language);
    this.#view.showNote(
      `This browser has no voice of its own for ${languageName(language)}. ` +
        'The words are shown, and time passes as if they were spoken.',
    );
  }

  /**
   * @param {string} number
   * @returns {Promise<void>}
   */
  async #dial(number) {
    this.#view.showNote(`Connecting to ${number} (not really dialled here)`);
    await wait(DIAL_MS, this.#hangUp.signal);
  }
}

/**
 * @param {import('./twiml.js').Verb} verb
 * @returns {boolean}
 */
function takesTime({ kind }) {
  return kind === 'say' || kind === 'play' || kind === 'pause' || kind === 'gather' || kind === 'dial';
}

/**
 * @param {unknown} error
 * @returns {string}
 */
function describeTrouble(error) {
  const reason = error instanceof ApiError ? error.message : UNREADABLE;
  return `${reason} The call has ended here.`;
}
