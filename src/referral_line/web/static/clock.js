/** Waiting that can be cut short. Nothing here throws: being interrupted is an ordinary end. */

const SECOND_MS = 1000;
const TICK_MS = 250;

/**
 * Wait, or stop waiting when the signal says so.
 * @param {number} ms
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
export function wait(ms, signal) {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    signal.addEventListener('abort', finish, { once: true });
  });
}

/**
 * Count whole seconds down to zero.
 * @param {number} seconds
 * @param {(left: number) => void} show called with each number of seconds left
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
export async function countDown(seconds, show, signal) {
  // Against the clock, not by counting ticks: a tab in the background gets few of them.
  const end = performance.now() + seconds * SECOND_MS;
  let shown = -1;
  while (!signal.aborted) {
    const leftMs = end - performance.now();
    if (leftMs <= 0) return;
    const left = Math.ceil(leftMs / SECOND_MS);
    if (left !== shown) show(left);
    shown = left;
    await wait(Math.min(TICK_MS, leftMs), signal);
  }
}

/**
 * A signal that stops when any of these does. (AbortSignal.any is missing in browsers of 2023.)
 * @param {...AbortSignal} signals
 * @returns {AbortSignal}
 */
export function anyOf(...signals) {
  const joined = new AbortController();
  for (const signal of signals) {
    if (signal.aborted) joined.abort();
    else signal.addEventListener('abort', () => joined.abort(), { once: true, signal: joined.signal });
  }
  return joined.signal;
}
