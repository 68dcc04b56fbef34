import { isDumb, type Terminal } from '../terminal/terminal.js';

/** Bytes that something goes through; `of` is null where nobody knows how many there will be. */
export interface ByteCount {
  readonly bytes: number;
  readonly of: number | null;
}

/** Shows how far something is, and that it goes on, once it has taken a while. */
export interface ByteProgress {
  /** @param count null: nothing that is counted, such as trying a passphrase */
  on(step: string, count: ByteCount | null): void;
  end(): void;
}

/** What is done sooner is not talked about. */
const PATIENCE_MS = 2_000;
const BETWEEN_MS = 250;

/** On a terminal in one line that changes, also while nothing is counted; else one line for each step. */
export function createByteProgress(terminal: Terminal): ByteProgress {
  const live = process.stderr.isTTY && !isDumb() && !terminal.quiet && !terminal.json;
  const began = performance.now();
  let now: { readonly step: string; readonly count: ByteCount | null } | null = null;
  let told = '';
  function show(): void {
    const passed = performance.now() - began;
    if (now === null || passed < PATIENCE_MS || (!live && now.step === told)) return;
    told = now.step;
    if (!live) return terminal.talk(`  ${now.step} …`);
    const parts = [now.step, formatCount(now.count), `${Math.floor(passed / 1000)} s`];
    process.stderr.write(`\r\u001b[2K  ${parts.filter((part) => part !== '').join(' · ')}`);
  }
  const timer = setInterval(show, BETWEEN_MS);
  return {
    on(step, count) {
      now = { step, count };
      if (step !== told) show();
    },
    end() {
      clearInterval(timer);
      if (live && told !== '') process.stderr.write('\r\u001b[2K');
    },
  };
}

function formatCount(count: ByteCount | null): string {
  if (count === null) return '';
  const { bytes, of } = count;
  return `${formatBytes(bytes)}${of === null ? '' : ` of ${formatBytes(of)}`}`;
}

/** `812 B`, `3.4 KB`, `1.2 GB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]!}`;
}
