import { createClient, fileStore } from '@ckm/client/node';
import { type DepositSecret, type FoundShares, keptToText, keptToUr, recoverShares } from '@ckm/client';
import { encodeUtf8, reveal, type Secret, secret as secretOf, UsageError, wipe } from '@ckm/foundation';
import { formatWords, likenessOf } from '@ckm/gordian';
import { type Command, Option } from 'commander';
import { afterAnswer } from '../../command-line/after-answer.js';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { assertSocketsFit, isInitialised, ownerExists } from '../../home/home.js';
import { compareSeed } from '../../home/seed-print.js';
import { readDepositWords, WORDS_FILE } from '../../owner/deposit-words.js';
import { seedDiffers, storeSeed } from '../../owner/owner-seed.js';
import { readAuthority } from '../../owner/read-authority.js';
import { faultyShares, foundText, placesObject } from '../../owner/share-words.js';
import { assertWritable, writeOut } from '../../terminal/write-out.js';

const FORMS = ['words', 'ur'] as const;

/** `ckm csr recover URL…` */
export function csrRecoverCommand(): Command {
  return leaf(
    'recover',
    'bring back what was shared out, from the address of one server and the words of the shares',
    {
      69: 'no server answers',
      75: 'too few shares came back, or there is an owner in this folder',
      76: 'it is back; a server gave what is not its share, and is named',
    },
  )
    .argument('<urls...>', 'where a server answers that has a share: it names the others')
    .option(WORDS_FILE, 'read the words of the shares from a file; - is stdin')
    .option('--out <file>', 'a new file, readable by you alone, instead of a new owner in this folder')
    .addOption(
      new Option('--format <form>', 'of --out: words, where there are such, or ur')
        .choices(FORMS)
        .default('words'),
    )
    .option(
      '--ca <file>',
      'certificate (PEM) of the authority behind their TLS certificates, where this machine does not know it',
    )
    .action(run(recover));
}

interface Flags {
  readonly wordsFile?: string;
  readonly out?: string;
  readonly format: (typeof FORMS)[number];
  readonly ca?: string;
}

async function recover(context: Context, urls: readonly string[], given: Flags): Promise<void> {
  const { home, terminal, flags, timeoutMs } = context;
  const { out } = given;
  const isHome = out === undefined;
  if (isHome) assertSocketsFit(home);
  if (isHome && (await isInitialised(home))) throw await ownerExists(home);
  await assertWritable(out, flags);
  const authority = given.ca === undefined ? null : await readAuthority(given.ca);
  if (flags.preview === true) {
    terminal.result(
      `would ask ${urls.join(', ')} and whoever has the other shares, and bring back what they keep ${out ?? `into ${home.path}`}`,
      { preview: true, urls },
    );
    return;
  }
  const secret = await readDepositWords(context, given.wordsFile);
  try {
    const found = await recoverShares({ secret, urls, authority }, { timeoutMs });
    try {
      await (out === undefined
        ? intoHome(context, secret, found)
        : intoFile(context, found, out, given.format));
    } finally {
      wipe(found.kept);
    }
    const faulty = faultyShares(found.servers);
    if (faulty !== null) throw afterAnswer(faulty);
  } finally {
    wipe(secret);
  }
}

async function intoFile(
  { terminal }: Context,
  found: FoundShares,
  out: string,
  format: Flags['format'],
): Promise<void> {
  const text = (format === 'ur' ? keptToUr : keptToText)(found.kept);
  const bytes = encodeUtf8(reveal(text, 'writing down what came back').concat('\n'));
  try {
    await writeOut(out, bytes);
  } finally {
    bytes.fill(0);
    wipe(text);
  }
  terminal.result(
    `what was shared out is in ${out}\n${foundText(found.servers)}`,
    answer(found, { home: null, out }),
  );
}

async function intoHome(context: Context, secret: DepositSecret, found: FoundShares): Promise<void> {
  const { home, terminal } = context;
  if (found.kind !== 'owner') throw notAnOwner();
  if ((await compareSeed(home, found.kept)) === 'other') throw seedDiffers(home);
  await storeSeed(context, found.kept, 'refuse');
  await note(context, secret, found);
  terminal.result(
    `owner seed restored into ${home.path}\n${foundText(found.servers)}`,
    answer(found, { home: home.path, out: null }),
  );
  terminal.talk('next: add your servers; of those that had a share the six words are known:');
  for (const { name, url, xid } of found.places)
    terminal.talk(`  ckm server add ${name} ${url} --likeness "${formatWords(likenessOf(xid))}"`);
  terminal.talk('then: ckm key fetch; ckm seed backup; and new words for the shares: ckm csr rotate');
}

/** So that the new folder knows where the shares lie. */
async function note(context: Context, secret: DepositSecret, found: FoundShares): Promise<void> {
  const seed = copyOf(found.kept);
  const client = createClient({ seed, store: fileStore(context.home.store), timeoutMs: context.timeoutMs });
  try {
    await client.noteDeposit(secret, found);
    await client.noteSeedBackup({ form: 'shares', isTyped: true });
  } finally {
    await client.close();
  }
}

function copyOf(kept: Secret<Uint8Array>): Secret<Uint8Array> {
  return secretOf(reveal(kept, 'opening a client for the words').slice());
}

function answer(found: FoundShares, where: { readonly home: string | null; readonly out: string | null }) {
  return { ...where, kind: found.kind, ...placesObject(found), found: found.servers };
}

function notAnOwner(): UsageError {
  return new UsageError('these shares keep another secret than the words of an owner', {
    code: 'DEPOSIT_NO_OWNER',
    hint: 'have it written to a new file: --out FILE',
  });
}
