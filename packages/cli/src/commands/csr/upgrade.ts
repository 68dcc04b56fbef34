import { type Client, depositId, type DepositSecret } from '@ckm/client';
import { encodeHex, wipe } from '@ckm/foundation';
import type { Command } from 'commander';
import { afterAnswer } from '../../command-line/after-answer.js';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { readDepositWords, WORDS_FILE } from '../../owner/deposit-words.js';
import { withKept } from '../../owner/kept-secret.js';
import { openOwner } from '../../owner/open-owner.js';
import {
  doneObject,
  needText,
  notAtAll,
  placesObject,
  placesText,
  readInvites,
  serverNames,
  storedText,
} from '../../owner/share-words.js';

/** `ckm csr upgrade` */
export function csrUpgradeCommand(): Command {
  return leaf(
    'upgrade',
    'give two more servers a share: any three of the five, too, bring back what is kept',
    {
      69: 'a server has no share yet: do the same again',
      75: 'nothing is on record of such shares, or not all of the first three are stored',
    },
  )
    .option('--servers <names>', 'two more of your servers, separated by a comma (default: the next two)')
    .option(
      '--from <file>',
      'what is shared out, where it is not your words: as for ckm csr store',
      again,
      [],
    )
    .option(WORDS_FILE, 'read the words of the shares from a file; - is stdin')
    .option('--invite-file <server=file>', 'the code for a server that takes nobody without', again, [])
    .action(run(upgrade));
}

function again(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

interface Flags {
  readonly servers?: string;
  readonly from: readonly string[];
  readonly wordsFile?: string;
  readonly inviteFile: readonly string[];
}

async function upgrade(context: Context, given: Flags): Promise<void> {
  const { terminal, flags } = context;
  const servers = serverNames(given.servers);
  const invites = await readInvites(given.inviteFile);
  const named = servers === undefined ? {} : { servers };
  if (flags.preview === true) {
    const client = await openOwner(context);
    const secret = await readDepositWords(context, given.wordsFile);
    const plan = await client.planUpgrade({ secret, ...named }).finally(() => wipe(secret));
    terminal.result(`would give the last two of these a share:\n${placesText(plan.places)}`, {
      preview: true,
      ...placesObject(plan),
    });
    return;
  }
  await withKept(context, given.from, async ({ client, kept }) => {
    const secret = await readDepositWords(context, given.wordsFile);
    try {
      const isOfThree = (await placesBefore(client, secret)) === 3;
      const stored = await client.upgradeDeposit({ secret, kept, ...named, invites });
      const left = notAtAll(stored.servers, 'has no share yet');
      const enough = isOfThree
        ? `${needText(stored)}, and any 2 of the first three, as before`
        : needText(stored);
      const good = left === null ? enough : 'NOT stored everywhere yet';
      terminal.result(`${good}\n${storedText(stored.servers)}`.trimEnd(), {
        ...placesObject(stored),
        stored: doneObject(stored.servers),
      });
      if (left !== null) throw afterAnswer(left);
      if (stored.servers.length === 0) return;
      terminal.talk(`  write on the paper where the two more lie:\n${placesText(stored.places.slice(-2))}`);
    } finally {
      wipe(secret);
    }
  });
}

/** At how many servers they are to lie until now: of those that were at five from the beginning no two are ever enough. */
async function placesBefore(client: Client, secret: DepositSecret): Promise<number> {
  const id = encodeHex(depositId(secret));
  const record = (await client.listDeposits()).find((one) => encodeHex(one.id) === id);
  return record?.places.length ?? 0;
}
