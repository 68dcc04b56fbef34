import { UsageError } from '@ckm/foundation';
import { createTerminal, isDumb, type Terminal } from '../terminal/terminal.js';
import { type Home, locateHome } from '../home/home.js';
import type { GlobalFlags } from './globals.js';

/** What a running command holds: how to speak, where things are, what was asked for. */
export interface Context {
  readonly terminal: Terminal;
  readonly home: Home;
  readonly flags: GlobalFlags;
  readonly environment: NodeJS.ProcessEnv;
  readonly passphraseFile: string | undefined;
  readonly timeoutMs: number;
  /** Runs when the command ends, however it ends; the last one first. */
  onEnd(work: () => Promise<void> | void): void;
}

export interface OpenContext extends Context {
  end(): Promise<void>;
}

const DEFAULT_TIMEOUT_SECONDS = '15';

/** @throws UsageError `OPTION_INVALID` */
export function createContext(flags: GlobalFlags, environment: NodeJS.ProcessEnv): OpenContext {
  const endings: (() => Promise<void> | void)[] = [];
  return {
    terminal: createTerminal({
      json: flags.json === true,
      quiet: flags.quiet === true,
      color: flags.color && takesColor(environment),
      trueColor: /^(?:truecolor|24bit)$/.test(environment['COLORTERM'] ?? ''),
      input: flags.input,
      direct: false,
    }),
    home: locateHome(flags.home, environment),
    flags,
    environment,
    passphraseFile: flags.passphraseFile ?? emptyToUndefined(environment['CKM_PASSPHRASE_FILE']),
    timeoutMs: parseTimeout(flags.timeout),
    onEnd: (work) => {
      endings.push(work);
    },
    end: async () => {
      for (const work of endings.reverse()) await work();
    },
  };
}

function takesColor(environment: NodeJS.ProcessEnv): boolean {
  const isWanted = !environment['NO_COLOR'] && !isDumb(environment);
  return isWanted && process.stderr.isTTY && process.stdout.isTTY;
}

function emptyToUndefined(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

/** @param text decimal digits and nothing else: `0x10` is not sixteen seconds for everybody */
function parseTimeout(text: string = DEFAULT_TIMEOUT_SECONDS): number {
  const seconds = /^\d{1,4}(?:\.\d{1,3})?$/.test(text) ? Number(text) : 0;
  if (seconds > 0 && seconds <= 3600) return Math.ceil(seconds * 1000);
  throw new UsageError('--timeout is not a number of seconds above 0 and up to 3600', {
    code: 'OPTION_INVALID',
    hint: 'write for example --timeout 30',
  });
}
