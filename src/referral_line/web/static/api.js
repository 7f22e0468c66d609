/** The three questions this page asks its own server, and nobody else. */

// Relative, because the site may be mounted under a path prefix.
const LINE_URL = 'simulator/line';
const SMS_URL = 'simulator/sms';
const VOICE_URL = 'simulator/voice';

const PATIENCE_MS = 15_000;
const OK = 200;

/** The server did not answer, or not in the agreed form. The message can be shown to people. */
export class ApiError extends Error {}

/**
 * @typedef {object} Language
 * @property {string} tag
 * @property {string} name
 * @property {'ltr' | 'rtl'} direction
 * @property {boolean} spoken whether calls have a voice for it
 * @property {boolean} draft whether the texts are a machine draft
 *
 * @typedef {Map<string, {text: string, tag: string}>} Captions by the path of a recording
 *
 * @typedef {object} SmsAnswer
 * @property {string} twiml
 * @property {string} cookie what the carrier is asked to keep; '' for nothing new
 * @property {number} maxAge seconds the carrier keeps it; 0 means forget
 * @property {number | null} segments
 * @property {string | null} encoding
 */

/**
 * @returns {Promise<{languages: Language[], version: string}>}
 */
export async function getLine() {
  const answer = await ask(LINE_URL, { method: 'GET' });
  if (!Array.isArray(answer.languages)) throw malformed();
  return {
    languages: answer.languages.filter(isRecord).map(readLanguage),
    version: text(answer.version ?? ''),
  };
}

/**
 * Text the line.
 * @param {{body: string, pictures: number, cookie: string, path: string}} message
 * @returns {Promise<SmsAnswer>}
 */
export async function postSms(message) {
  const answer = await ask(SMS_URL, asJson(message));
  return {
    twiml: readTwiml(answer),
    cookie: text(answer.cookie ?? ''),
    maxAge: Number(answer.max_age) || 0,
    segments: Number.isInteger(answer.segments) ? answer.segments : null,
    encoding: typeof answer.encoding === 'string' ? answer.encoding : null,
  };
}

/**
 * Take one turn of a call.
 * @param {{path: string, digits: string | null}} turn digits: null for none, '' for silence
 * @param {AbortSignal} signal ends the question when the call ends
 * @returns {Promise<{twiml: string, captions: Captions}>}
 */
export async function postVoice(turn, signal) {
  const answer = await ask(VOICE_URL, asJson(turn), signal);
  return { twiml: readTwiml(answer), captions: readCaptions(answer.captions) };
}

/**
 * @param {unknown} rows
 * @returns {Captions} nothing where the answer has none
 */
function readCaptions(rows) {
  /** @type {Captions} */
  const captions = new Map();
  for (const row of Array.isArray(rows) ? rows.filter(isRecord) : []) {
    captions.set(String(row.path), { text: String(row.text), tag: String(row.tag) });
  }
  return captions;
}

/**
 * @param {unknown} value
 * @returns {RequestInit}
 */
function asJson(value) {
  return {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(value),
  };
}

/**
 * @param {string} url
 * @param {RequestInit} request
 * @param {AbortSignal} [signal]
 * @returns {Promise<Record<string, unknown>>}
 */
async function ask(url, request, signal) {
  const limit = new AbortController();
  const stop = () => limit.abort();
  const timer = setTimeout(stop, PATIENCE_MS);
  if (signal?.aborted) stop();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const response = await fetch(url, { ...request, cache: 'no-store', signal: limit.signal });
    if (!response.ok) throw new ApiError(`The simulator answered with an error (${response.status}).`);
    return record(await response.json());
  } catch (error) {
    if (error instanceof ApiError) throw error;
    if (error instanceof SyntaxError) throw malformed();
    throw new ApiError('The simulator did not answer. It may have been stopped.');
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}

/**
 * @param {Record<string, unknown>} answer
 * @returns {string}
 */
function readTwiml(answer) {
  if (answer.status !== OK) throw new ApiError(`The line refused this (status ${String(answer.status)}).`);
  return text(answer.twiml);
}

/**
 * @param {Record<string, unknown>} row
 * @returns {Language}
 */
function readLanguage(row) {
  return {
    tag: text(row.tag),
    name: text(row.name),
    direction: row.direction === 'rtl' ? 'rtl' : 'ltr',
    spoken: row.spoken === true,
    draft: row.draft === true,
  };
}

/**
 * @param {unknown} value
 * @returns {string}
 */
function text(value) {
  if (typeof value !== 'string') throw malformed();
  return value;
}

/**
 * @param {unknown} value
 * @returns {Record<string, unknown>}
 */
function record(value) {
  if (!isRecord(value)) throw malformed();
  return value;
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
function isRecord(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @returns {ApiError} */
function malformed() {
  return new ApiError('The simulator gave an answer that this page does not understand.');
}
