/** Speaking aloud, with the voices this computer has itself. */

import { wait } from './clock.js';

/** What browsers call the languages that the carrier calls otherwise. */
const BROWSER_TAGS = Object.freeze({
  'cmn-CN': 'zh-CN',
  'cmn-TW': 'zh-TW',
  'yue-CN': 'zh-HK',
  'yue-HK': 'zh-HK',
  'ar-XA': 'ar',
  'arb': 'ar',
  'fil-PH': 'fil',
});

/** Voices name themselves in more than one way; the left is read as the right. */
const VOICE_PRIMARY = Object.freeze({ cmn: 'zh', tl: 'fil', nb: 'no' });

const CANTONESE = 'zh-hk';

const LETTERS_PER_SECOND = 14;
const HAN_PER_SECOND = 4;
const SHORTEST_SECONDS = 1;
const SECOND_MS = 1000;

/** A browser that never reports the end of its speech must not hold up the call. */
const LATE_FACTOR = 3;
const VOICES_PATIENCE_MS = 600;
const LONGEST_RECORDING_MS = 300_000;

/**
 * The tag browsers and screen readers know for a carrier's `language`.
 * @param {string} language
 * @returns {string}
 */
export function browserTag(language) {
  return BROWSER_TAGS[language] ?? language;
}

/**
 * The English name of a carrier's `language`, without its country.
 * @param {string} language
 * @returns {string}
 */
export function languageName(language) {
  const primary = language.split('-')[0];
  try {
    return new Intl.DisplayNames(['en-GB'], { type: 'language' }).of(primary) ?? language;
  } catch {
    return language;
  }
}

/**
 * How long a voice would take, roughly.
 * @param {string} text
 * @returns {number} seconds
 */
export function estimateSeconds(text) {
  const han = text.match(/\p{Script=Han}/gu)?.length ?? 0;
  const seconds = han / HAN_PER_SECOND + (text.length - han) / LETTERS_PER_SECOND;
  return Math.max(SHORTEST_SECONDS, seconds);
}

/**
 * The best voice for a tag: the same region first, then the same language.
 * @param {readonly SpeechSynthesisVoice[]} voices
 * @param {string} tag
 * @returns {SpeechSynthesisVoice | null}
 */
export function pickVoice(voices, tag) {
  // A voice that is not local sends the words to its maker, and this page promises not to.
  const local = voices.filter((voice) => voice.localService);
  const wanted = normalise(tag);
  const exact = local.find((voice) => normalise(voice.lang) === wanted);
  if (exact || wanted === CANTONESE) return exact ?? null;
  return local.find((voice) => isNear(normalise(voice.lang), wanted)) ?? null;
}

/**
 * @param {string} found
 * @param {string} wanted
 * @returns {boolean}
 */
function isNear(found, wanted) {
  // Cantonese is written "zh-HK" but no Mandarin speaker would follow it.
  return found !== CANTONESE && found.split('-')[0] === wanted.split('-')[0];
}

/**
 * @param {string} tag
 * @returns {string}
 */
function normalise(tag) {
  const [primary, ...rest] = tag.replaceAll('_', '-').toLowerCase().split('-');
  if (primary === 'yue') return CANTONESE;
  return [VOICE_PRIMARY[primary] ?? primary, ...rest.filter((part) => part.length < 4)].join('-');
}

/** Speaks one text at a time. */
export class Speaker {
  /** @type {SpeechSynthesis | null} */
  #engine = globalThis.speechSynthesis ?? null;

  /** @type {SpeechSynthesisUtterance | null} Held, for browsers that forget unheld speech. */
  #current = null;

  /** Make ready. To be called from a click: some phones stay mute unless a click spoke first. */
  wake() {
    this.#engine?.getVoices();
    this.#engine?.speak(new SpeechSynthesisUtterance(''));
  }

  /** Be silent at once. */
  stop() {
    this.#engine?.cancel();
  }

  /**
   * @param {string} language a carrier's
   * @returns {Promise<SpeechSynthesisVoice | null>}
   */
  async findVoice(language) {
    return pickVoice(await this.#voices(), browserTag(language));
  }

  /**
   * Speak, until the end or the signal.
   * @param {string} text
   * @param {SpeechSynthesisVoice} voice
   * @param {AbortSignal} signal
   * @returns {Promise<boolean>} whether it was spoken, or stopped by us; false: the voice failed
   */
  async speak(text, voice, signal) {
    if (!this.#engine || signal.aborted) return true;
    const done = new AbortController();
    const failure = { happened: false };
    const utterance = new SpeechSynthesisUtterance(text);
    utterance.voice = voice;
    utterance.lang = voice.lang;
    utterance.onend = () => done.abort();
    utterance.onerror = (event) => {
      failure.happened = event.error !== 'canceled' && event.error !== 'interrupted';
      done.abort();
    };
    const silence = () => {
      this.stop();
      done.abort();
    };
    signal.addEventListener('abort', silence, { once: true });
    this.#current = utterance;
    this.#engine.speak(utterance);
    await wait(estimateSeconds(text) * LATE_FACTOR * SECOND_MS, done.signal);
    signal.removeEventListener('abort', silence);
    if (!done.signal.aborted) this.stop();
    this.#current = null;
    return !failure.happened;
  }

  /**
   * Play a recording, until its end or the signal.
   * @param {string} path
   * @param {AbortSignal} signal
   * @returns {Promise<boolean>} whether it was played, or stopped by us; false: it can't be played
   */
  async playRecording(path, signal) {
    if (signal.aborted) return true;
    const sound = new Audio(path);
    const done = new AbortController();
    const failure = { happened: false };
    sound.onended = () => done.abort();
    sound.onerror = () => {
      failure.happened = true;
      done.abort();
    };
    const stop = () => {
      sound.pause();
      done.abort();
    };
    signal.addEventListener('abort', stop, { once: true });
    try {
      await sound.play();
      await wait(LONGEST_RECORDING_MS, done.signal);
    } catch {
      failure.happened = !signal.aborted;
    }
    signal.removeEventListener('abort', stop);
    sound.pause();
    return !failure.happened;
  }

  /** @returns {Promise<SpeechSynthesisVoice[]>} */
  async #voices() {
    const engine = this.#engine;
    if (!engine) return [];
    if (engine.getVoices().length === 0) {
      // Browsers load the list on first use and tell when it is there.
      const loaded = new AbortController();
      engine.addEventListener?.('voiceschanged', () => loaded.abort(), { once: true });
      await wait(VOICES_PATIENCE_MS, loaded.signal);
    }
    return engine.getVoices();
  }
}
