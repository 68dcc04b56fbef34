import { type Client, MOST_OFFER_CHARACTERS } from '@ckm/client';
import { encodeUtf8, type Secret } from '@ckm/foundation';
import { type Command, Option } from 'commander';
import { afterAnswer } from '../../command-line/after-answer.js';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { compareWords } from '../../guide/compare-words.js';
import {
  changedObject,
  changedText,
  MAY_CHOICES,
  MAY_OF,
  type MayChoice,
  mayText,
  notEverywhere,
} from '../../owner/device-words.js';
import { openOwner } from '../../owner/open-owner.js';
import { addWordsFlags, type WordsFlags, withWords } from '../../owner/typed-words.js';
import { formatLikeness, likenessObject } from '../../terminal/likeness.js';
import { readCarried } from '../../picture/read-carried.js';
import { assertWritable, writeOut } from '../../terminal/write-out.js';

/** `ckm device add OFFER` */
export function deviceAddCommand(): Command {
  const command = leaf('add', 'let another device of yours in, by the offer that it made', {
    69: 'a server does not know it yet: it is told when it next answers',
    65: 'the offer cannot be read',
    75: 'the offer is too old, was taken before, or its name is taken',
    77: 'the six words differ, or this device may not manage devices',
  })
    .argument('<offer>', 'the file of: ckm device join --offer-out FILE, on the new device; - is stdin')
    .requiredOption('--welcome-out <file>', 'a new file, for the new device alone')
    .addOption(
      new Option('--may <what>', 'what it may do: each of these holds those before it')
        .choices(MAY_CHOICES)
        .default('use'),
    )
    .option('--name <name>', 'what you call it (default: as it calls itself)')
    .option('--likeness <words>', 'the six words that the new device shows; anything else is refused');
  return addWordsFlags(command, 'let it in with the words').action(run(add));
}

interface Flags extends WordsFlags {
  readonly may: MayChoice;
  readonly welcomeOut: string;
  readonly name?: string;
  readonly likeness?: string;
}

async function add(context: Context, path: string, given: Flags): Promise<void> {
  await assertWritable(given.welcomeOut, context.flags);
  const text = await readCarried(path, MOST_OFFER_CHARACTERS, 'name the right file: no offer is so long');
  const offer = text;
  const client = await openOwner(context);
  await withWords(context, given, async (words) =>
    addCompared(context, client, { ...given, offer, signing: words }),
  );
}

interface Offered extends Flags {
  readonly offer: string;
  readonly signing: Secret<Uint8Array> | undefined;
}

async function addCompared(context: Context, client: Client, given: Offered): Promise<void> {
  const { terminal, flags } = context;
  const { offer, likeness, welcomeOut, signing } = given;
  const args = {
    offer,
    may: MAY_OF[given.may],
    ...(given.name === undefined ? {} : { name: given.name }),
    ...(likeness === undefined ? {} : { expectedLikeness: likeness }),
    ...(signing === undefined ? {} : { words: signing }),
  };
  const plan = await client.planDevice(args);
  const { name, may, digest, servers, silent } = plan;
  if (flags.preview === true) {
    terminal.warn(`\n${formatLikeness(terminal, name, digest)}\n`);
    terminal.result(`would let ${name} in at ${servers.join(', ')}: it may ${mayText(may)}`, {
      preview: true,
      name,
      may,
      servers,
      silent,
      likeness: likenessObject(digest),
    });
    return;
  }
  terminal.talk(
    `\n  ${name} may then ${mayText(may)}. Compare these six words and the picture with what it shows:`,
  );
  const question = `Does ${name} show the same?`;
  await compareWords(context, { name, digest, typed: likeness, question });
  const added = await client.addDevice(args);
  await writeOut(welcomeOut, encodeUtf8(`${added.welcome}\n`));
  await client.closeOffer(offer);
  terminal.talk(
    `  its welcome is in ${welcomeOut}: bring it to ${name}, which shows these words when it takes it:`,
  );
  terminal.warn(`\n${formatLikeness(terminal, name, added.welcomeDigest)}\n`);
  terminal.result(`${name} is let in: ${changedText(added.servers)}`, {
    name,
    may,
    welcome: welcomeOut,
    servers: changedObject(added.servers),
    likeness: { offer: likenessObject(digest), welcome: likenessObject(added.welcomeDigest) },
  });
  const left = notEverywhere(added.servers);
  if (left !== null) throw afterAnswer(left);
}
