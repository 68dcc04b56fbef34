import { parseName } from '@ckm/client';
import { CkmError } from '@ckm/foundation';
import { likenessObject } from '../terminal/likeness.js';
import type { Terminal } from '../terminal/terminal.js';

/**
 * The command with which an owner adds a server whose operator has told him its likeness: it is compared there, letter by
 * letter, and nobody is asked. Null for an address that only this machine would understand.
 */
export function ownersLine(name: string, url: string, xid: Uint8Array): string | null {
  if (/^https?:\/\/(0\.0\.0\.0|\[::\])(:|$)/.test(url) || url.endsWith(':0')) return null;
  return `ckm server add ${ownersName(name)} ${url} --likeness ${likenessObject(xid).words}`;
}

/** What is said to owners: that line, and whether they need a code as well. `folder` as the operator typed it. */
export function tellOwners(
  { talk }: Pick<Terminal, 'talk'>,
  line: string | null,
  accounts: 'open' | 'invite' | 'closed',
  folder: string,
): void {
  if (line === null) return;
  talk(`for owners, by phone or in person:\n  ${line}`);
  if (accounts === 'invite') talk(`each of them is asked for a code: ckm server invite create ${folder}`);
  if (accounts === 'closed') talk('nobody new is let in: "accounts" is "closed" in config.json');
}

/** What a server calls itself may be no name that an owner can give it. */
function ownersName(name: string): string {
  try {
    return parseName('server', name);
  } catch (error) {
    if (error instanceof CkmError) return 'NAME';
    throw error;
  }
}
