import { isDumb, type Terminal } from './terminal.js';

/** A line that says whom a command waits for, and how long it has waited already; gone when it ends. */
export interface Asking {
  answered(name: string): void;
  end(): void;
}

/** What answers sooner than this is not worth a line. */
const FIRST_MS = 700;

/** @param names of all who are asked at once */
export function createAsking({ quiet, json }: Terminal, names: readonly string[]): Asking {
  if (!process.stderr.isTTY || isDumb() || quiet || json)
    return { answered: () => undefined, end: () => undefined };
  const left = new Set(names);
  const began = performance.now();
  let isShown = false;
  const show = () => {
    const seconds = Math.floor((performance.now() - began) / 1000);
    const line = `  asking ${[...left].join(', ')} … ${seconds} s`;
    process.stderr.write(`\r\u001b[2K${line.slice(0, (process.stderr.columns ?? 80) - 1)}`);
    isShown = true;
  };
  const timer = setInterval(show, FIRST_MS);
  return {
    answered: (name) => {
      left.delete(name);
      // What is said about it stands in the place of the line, which comes again below.
      if (isShown) process.stderr.write('\r\u001b[2K');
    },
    end: () => {
      clearInterval(timer);
      if (isShown) process.stderr.write('\r\u001b[2K');
      isShown = false;
    },
  };
}
