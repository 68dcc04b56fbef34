import { wipe } from '@ckm/foundation';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { requireInitialised } from '../../home/home.js';
import {
  clientOfWords,
  deviceBegun,
  keptSeeds,
  readWordsBack,
  replaceWords,
  stillNeeded,
  withSeed,
} from '../../owner/forget-seed.js';
import { machineName } from '../../owner/make-offer.js';
import { speaksAsDevice } from '../../owner/unlock-owner.js';
import { confirm } from '../../terminal/prompt.js';
import { cancelled } from '../../terminal/seat.js';

/** `ckm seed forget` */
export function seedForgetCommand(): Command {
  return leaf('forget', 'keep a device here in the place of the owner seed, whose words you have elsewhere', {
    75: 'the words stay: a server does not know the device yet, or the backup is of another seed',
  })
    .option('--name <name>', 'what this device is called (default: as this machine is)')
    .option('--from <file>', 'read the backup from a file instead of asking; again for each share', again, [])
    .action(run(forget));
}

interface Flags {
  readonly name?: string;
  readonly from: readonly string[];
}

function again(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

async function forget(context: Context, { name = machineName(), from }: Flags): Promise<void> {
  const { home, terminal } = context;
  await requireInitialised(home);
  if (await speaksAsDevice(context)) {
    terminal.result('the words do not lie here any more: this folder is a device', {
      home: home.path,
      isForgotten: true,
    });
    return;
  }
  await withSeed(context, async (opened) => {
    const form = await readWordsBack(context, opened.seed, from);
    const client = await clientOfWords(context, opened);
    const begun = await deviceBegun(context, opened);
    if (begun !== null) context.onEnd(() => wipe(begun));
    const { servers, silent } = await client.planFirstDevice(name, begun);
    if (context.flags.preview === true) {
      const text = `the backup is good; would keep the device ${name} here, known at ${servers.join(', ')}, and remove the seed`;
      terminal.result(text, { preview: true, home: home.path, name, servers, silent });
      return;
    }
    if (silent.length > 0) throw stillNeeded(silent);
    await client.noteSeedBackupChecked(form);
    await agree(context, name);
    const known = await replaceWords(context, client, opened, { name, begun });
    terminal.result(
      `the seed is forgotten: this folder is the device ${name}, known at ${known.join(', ')}`,
      {
        home: home.path,
        isForgotten: true,
        name,
        servers: known,
      },
    );
    await sayWhatIsLeft(context);
  });
}

async function agree({ terminal, flags, home }: Context, name: string): Promise<void> {
  terminal.talk(
    `  From then on ${home.path} is the device ${name}. To add a server, or if you lose every device, you need the words.`,
  );
  const question = 'Take the words away from here?';
  if (flags.yes !== true && !(await confirm(terminal, question))) throw cancelled();
}

async function sayWhatIsLeft({ terminal, home }: Context): Promise<void> {
  for (const path of await keptSeeds(home))
    terminal.warn(`ckm: warning: an earlier seed file is left: ${path}; if it is yours, destroy it`);
  terminal.talk('  copies of the folder from before still hold the seed: destroy them');
  terminal.talk(
    'next: let another device in, so that this one is not the only one: ckm device join --offer-out FILE, there',
  );
}
