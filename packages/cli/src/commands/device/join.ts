import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { optionInvalid } from '../../command-line/option-values.js';
import { leaf, run } from '../../command-line/run.js';
import { makeOffer } from '../../owner/make-offer.js';
import { takeWelcome } from '../../owner/take-welcome.js';

/** `ckm device join` */
export function deviceJoinCommand(): Command {
  return leaf('join', 'make this folder a device of an owner who has one already, in two steps', {
    65: 'the welcome cannot be read',
    69: 'the device is in, and a server does not answer it yet',
    77: 'the welcome is for another device, or its six words differ',
  })
    .option('--offer-out <file>', 'first: write an offer, good for 10 minutes; - is stdout')
    .option('--name <name>', 'what this device is to be called (default: as this machine is)')
    .option('--welcome <file>', 'then: take what the other device wrote; - is stdin')
    .option(
      '--likeness <words>',
      'the six words of the welcome that the other device shows; anything else is refused',
    )
    .action(run(join));
}

interface Flags {
  readonly offerOut?: string;
  readonly name?: string;
  readonly welcome?: string;
  readonly likeness?: string;
}

async function join(context: Context, { offerOut, name, welcome, likeness }: Flags): Promise<void> {
  if ((offerOut === undefined) === (welcome === undefined))
    throw optionInvalid(
      'a device joins in two steps, one at a time',
      'first: ckm device join --offer-out FILE; then, with what the other device wrote: ckm device join --welcome FILE',
    );
  if (offerOut !== undefined) {
    if (likeness !== undefined)
      throw optionInvalid(
        '--likeness is of a welcome',
        'name the words to the other device: ckm device add OFFER',
      );
    return makeOffer(context, { named: offerOut, name });
  }
  if (name !== undefined)
    throw optionInvalid(
      '--name is of an offer',
      'another name is given with: ckm device rename NAME NEWNAME',
    );
  return takeWelcome(context, { path: welcome!, likeness });
}
