/** TwiML, as far as the line uses it. Anything else is refused rather than guessed at. */

const DEFAULT_LANGUAGE = 'en-US'; // The carrier's, where <Say> names none.
const DEFAULT_TIMEOUT_SECONDS = 5; // The carrier's, for <Gather>.
const DEFAULT_FINISH_KEY = '#'; // The carrier's, for <Gather>.
const DEFAULT_PAUSE_SECONDS = 1;

/** The markup is no TwiML, or has verbs the line never uses. */
export class TwimlError extends Error {}

/**
 * @typedef {{kind: 'say', text: string, language: string}} Say
 * @typedef {{kind: 'play', path: string}} Play
 * @typedef {{kind: 'pause', seconds: number}} Pause
 * @typedef {object} Gather
 * @property {'gather'} kind
 * @property {(Say | Play | Pause)[]} prompt
 * @property {string | null} action null: the path that gave this TwiML
 * @property {number} numDigits
 * @property {string} finishOnKey
 * @property {number} timeout seconds of silence after the prompt
 * @property {boolean} actionOnEmptyResult
 * @typedef {{kind: 'dial', number: string, action: string | null}} Dial
 * @typedef {{kind: 'sms', text: string}} Sms
 * @typedef {{kind: 'redirect', path: string}} Redirect
 * @typedef {{kind: 'hangup'}} HangUp
 * @typedef {Say | Play | Pause | Gather | Dial | Sms | Redirect | HangUp} Verb
 */

/** @type {Record<string, (element: Element) => Verb>} */
const VOICE_VERBS = {
  Say: readSay,
  Play: readPlay,
  Pause: readPause,
  Gather: readGather,
  Dial: readDial,
  Sms: (element) => ({ kind: 'sms', text: textOf(element) }),
  Redirect: (element) => ({ kind: 'redirect', path: textOf(element).trim() }),
  Hangup: () => ({ kind: 'hangup' }),
};

/** @type {Record<string, (element: Element) => Say | Play | Pause>} */
const PROMPT_VERBS = { Say: readSay, Play: readPlay, Pause: readPause };

/**
 * Read one turn of a call.
 * @param {string} twiml
 * @returns {Verb[]}
 */
export function parseCall(twiml) {
  return readAll(readResponse(twiml), VOICE_VERBS);
}

/**
 * Read the texts of the messages in an answer to a message.
 * @param {string} twiml
 * @returns {string[]}
 */
export function parseMessages(twiml) {
  return readAll(readResponse(twiml), { Message: readMessage });
}

/**
 * @param {string} twiml
 * @returns {Element}
 */
function readResponse(twiml) {
  const found = new DOMParser().parseFromString(twiml, 'application/xml');
  const root = found.documentElement;
  if (found.querySelector('parsererror') || root.tagName !== 'Response') {
    throw new TwimlError('no TwiML');
  }
  return root;
}

/**
 * @template T
 * @param {Element} parent
 * @param {Record<string, (element: Element) => T>} readers by tag name
 * @returns {T[]}
 */
function readAll(parent, readers) {
  return [...parent.children].map((element) => {
    if (!Object.hasOwn(readers, element.tagName)) {
      throw new TwimlError(`unexpected <${element.tagName}>`);
    }
    return readers[element.tagName](element);
  });
}

/**
 * @param {Element} element
 * @returns {string}
 */
function readMessage(element) {
  return textOf(element.querySelector(':scope > Body') ?? element);
}

/**
 * @param {Element} element
 * @returns {Say}
 */
function readSay(element) {
  return {
    kind: 'say',
    text: textOf(element),
    language: element.getAttribute('language') || DEFAULT_LANGUAGE,
  };
}

/**
 * @param {Element} element
 * @returns {Play}
 */
function readPlay(element) {
  return { kind: 'play', path: textOf(element).trim() };
}

/**
 * @param {Element} element
 * @returns {Pause}
 */
function readPause(element) {
  return { kind: 'pause', seconds: readNumber(element, 'length', DEFAULT_PAUSE_SECONDS) };
}

/**
 * @param {Element} element
 * @returns {Gather}
 */
function readGather(element) {
  return {
    kind: 'gather',
    prompt: readAll(element, PROMPT_VERBS),
    action: element.getAttribute('action'),
    numDigits: readNumber(element, 'numDigits', Infinity),
    // An empty attribute means that no key finishes, so it must not become the default.
    finishOnKey: element.getAttribute('finishOnKey') ?? DEFAULT_FINISH_KEY,
    timeout: readNumber(element, 'timeout', DEFAULT_TIMEOUT_SECONDS),
    actionOnEmptyResult: element.getAttribute('actionOnEmptyResult') === 'true',
  };
}

/**
 * @param {Element} element
 * @returns {Dial}
 */
function readDial(element) {
  const number = element.querySelector(':scope > Number') ?? element;
  return { kind: 'dial', number: textOf(number).trim(), action: element.getAttribute('action') };
}

/**
 * @param {Element} element
 * @param {string} name
 * @param {number} fallback
 * @returns {number}
 */
function readNumber(element, name, fallback) {
  const written = element.getAttribute(name);
  if (written === null) return fallback;
  if (!/^\d+$/.test(written)) throw new TwimlError(`${name} is no number`);
  return Number(written);
}

/**
 * @param {Element} element
 * @returns {string}
 */
function textOf(element) {
  return element.textContent ?? '';
}
