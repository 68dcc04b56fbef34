import { SEED_BYTES, type SeedShare, splitSeed } from '@ckm/client';
import { encodeUtf8, reveal, secret, type Secret, wipe } from '@ckm/foundation';
import type { SplitPlan } from '@ckm/gordian';
import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { storageErrorOf } from '@ckm/client/node';
import { planMeaning } from '../command-line/share-plan.js';
import { checkWords } from '../guide/check-words.js';
import { dateOf, unixNow } from '../terminal/instant.js';
import { inColumns } from '../terminal/show-words.js';
import type { Terminal } from '../terminal/terminal.js';
import { wrapText } from '../terminal/wrap-text.js';
import { writeOut } from '../terminal/write-out.js';

/** Shares of an owner seed, each with its place in the plan, for one screen or one page. */
export interface SharePages {
  readonly set: string;
  readonly plan: SplitPlan;
  readonly shares: readonly SeedShare[];
}

/** A new splitting; shares of an earlier one stay good, and do not go together with these. The caller wipes them. */
export function newShares(seed: Secret<Uint8Array>, plan: SplitPlan): SharePages {
  const shares = splitSeed(seed, plan, (length) => new Uint8Array(randomBytes(length))).flat();
  return { set: shares[0]!.set, plan, shares };
}

/** Splits zeros: what cannot be is refused before anybody types a passphrase. @throws UsageError `SSKR_PLAN_INVALID` */
export function assertSplittable(plan: SplitPlan): void {
  wipeShares(newShares(secret(new Uint8Array(SEED_BYTES)), plan));
}

export function wipeShares({ shares }: SharePages): void {
  for (const { words, ur } of shares) {
    wipe(words);
    wipe(ur);
  }
}

/**
 * Shows one share after the other on the person's own terminal, and asks for two words of each before the next.
 * @returns false: there is no terminal
 */
export async function showShares(terminal: Terminal, pages: SharePages): Promise<boolean> {
  if (!process.stderr.isTTY) return false;
  for (const share of pages.shares) {
    const words = reveal(share.words, 'showing a share to its owner');
    const head = wrapText(
      `${headOf(pages, share)}. Write it down, on paper of its own.`,
      terminal.columns,
      '  ',
    );
    const ur = reveal(share.ur, 'showing a share to its owner');
    const shown = terminal.secretLines(`\n${head}\n\n${inColumns(words.split(' '))}\n\n  ${ur}\n\n`);
    if (!shown) return false;
    await checkWords(
      terminal,
      words.split(' '),
      'make new shares, all of them, with: ckm seed backup --format sskr',
    );
  }
  terminal.talk(wrapText(LEFT_BEHIND, terminal.columns, '  '));
  return true;
}

const LEFT_BEHIND =
  'They stay in this window until you clear it, with what scrolls back, or close it. Try them: ckm seed verify';

/**
 * Writes each share to a file of its own in a new folder, which is its owner's alone.
 * @returns the names of the files, in the order of the shares
 * @throws UsageError `FILE_EXISTS`; StorageError `FILE_UNWRITABLE`
 */
export async function writeShares(folder: string, pages: SharePages): Promise<readonly string[]> {
  const names = pages.shares.map((share) => fileNameOf(pages, share));
  await mkdir(folder, { mode: 0o700 }).catch((cause: unknown) => {
    throw storageErrorOf('FILE_UNWRITABLE', folder, cause);
  });
  try {
    for (const [i, share] of pages.shares.entries()) {
      const bytes = encodeUtf8(pageOf(pages, share));
      await writeOut(join(folder, names[i]!), bytes).finally(() => bytes.fill(0));
    }
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  return names;
}

function fileNameOf({ plan }: SharePages, { group, member }: SeedShare): string {
  const { of } = plan.groups[group - 1]!;
  const share = `share-${member}-of-${of}.txt`;
  return plan.groups.length === 1 ? share : `group-${group}-${share}`;
}

function headOf({ plan, set }: SharePages, { group, member }: SeedShare): string {
  const { of } = plan.groups[group - 1]!;
  const which = plan.groups.length === 1 ? '' : ` of group ${group}`;
  return `Share ${member} of ${of}${which}, set ${set}: ${planMeaning(plan)}`;
}

/** What fits on one printed page, and is read back from it. */
function pageOf(pages: SharePages, share: SeedShare): string {
  return [
    `CKM owner seed, one share of it   ${dateOf(unixNow())}`,
    '',
    headOf(pages, share),
    '',
    'Whoever has enough of these shares can use the keys of this owner. Keep each at another place.',
    '',
    inColumns(reveal(share.words, 'writing a share down').split(' ')),
    '',
    reveal(share.ur, 'writing a share down'),
    '',
    'To bring the seed back: ckm seed restore, and type enough shares, or name their files; any program for SSKR of',
    'Blockchain Commons (BCR-2020-011) reads them, too: they hold the 32 bytes of the seed.',
    '',
  ].join('\n');
}
