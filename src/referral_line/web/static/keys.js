/** The keys pressed while the line listens. */

export const KEYS = '1234567890*#';

/** Collects the keys of one <Gather>. */
export class KeyListener {
  #typed = '';
  #isComplete = false;
  #numDigits;
  #finishOnKey;
  #pressed = new AbortController();

  /** @param {{numDigits: number, finishOnKey: string}} gather */
  constructor({ numDigits, finishOnKey }) {
    this.#numDigits = numDigits;
    this.#finishOnKey = finishOnKey;
  }

  /** @returns {string} the digits so far */
  get typed() {
    return this.#typed;
  }

  /** @returns {boolean} whether no more keys are awaited */
  get isComplete() {
    return this.#isComplete;
  }

  /** @returns {AbortSignal} stops at the next key */
  get nextKey() {
    if (this.#pressed.signal.aborted && !this.#isComplete) this.#pressed = new AbortController();
    return this.#pressed.signal;
  }

  /** @param {string} key */
  take(key) {
    if (this.#isComplete) return;
    if (this.#finishOnKey.includes(key)) this.#isComplete = true;
    else this.#typed += key;
    if (this.#typed.length >= this.#numDigits) this.#isComplete = true;
    this.#pressed.abort();
  }
}
