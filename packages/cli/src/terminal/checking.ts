import { isDumb, type Terminal } from './terminal.js';

/** What is over sooner is not worth a line. */
const FIRST_MS = 1_000;

/** Says that something a person has typed is being checked, when that takes longer than a moment. */
export async function whileChecking<T>({ quiet, json }: Terminal, work: Promise<T>): Promise<T> {
  if (!process.stderr.isTTY || quiet || json) return work;
  let isShown = false;
  const timer = setTimeout(() => {
    process.stderr.write('  checking …');
    isShown = true;
  }, FIRST_MS);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
    if (isShown) process.stderr.write(isDumb() ? '\n' : '\r\u001b[2K');
  }
}
