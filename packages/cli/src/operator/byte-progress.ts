import { isDumb, type Terminal } from '../terminal/terminal.js';

/** Shows how far something is that goes through bytes, once it has taken a while. */
export interface ByteProgress {
  on(step: string, bytes: number, of: number | null): void;
  end(): void;
}

/** What is done sooner is not talked about. */
const PATIENCE_MS = 2_000;
const BETWEEN_MS = 250;

/** On a terminal in one line that changes, else one line for each step. */
export function createByteProgress(terminal: Terminal): ByteProgress {
  const live = process.stderr.isTTY && !isDumb() && !terminal.quiet && !terminal.json;
  const started = performance.now();
  let shown = 0;
  let isOpen = false;
  let last = '';
  return {
    on(step, bytes, of) {
      const now = performance.now();
      if (now - started < PATIENCE_MS || (step === last && (!live || now - shown < BETWEEN_MS))) return;
      [shown, last] = [now, step];
      const done = `${formatBytes(bytes)}${of === null ? '' : ` of ${formatBytes(of)}`}`;
      if (live) process.stderr.write(`\r\u001b[2K  ${step} · ${done}`);
      else terminal.talk(`  ${step} …`);
      isOpen = live;
    },
    end() {
      if (isOpen) process.stderr.write('\r\u001b[2K');
      isOpen = false;
    },
  };
}

/** `812 B`, `3.4 KB`, `1.2 GB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]!}`;
}
