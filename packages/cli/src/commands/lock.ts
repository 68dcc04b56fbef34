import type { Command } from 'commander';
import type { Context } from '../command-line/context.js';
import { leaf, run } from '../command-line/run.js';
import { askKeeper, lockKeeper } from '../keeper/keeper-socket.js';

/** `ckm lock` */
export function lockCommand(): Command {
  return leaf('lock', 'close the owner seed that ckm unlock keeps open').action(run(lock));
}

async function lock({ home, terminal, flags }: Context): Promise<void> {
  if (flags.preview === true) {
    const isOpen = (await askKeeper(home, 'left')) !== null;
    terminal.result(isOpen ? 'would lock the owner seed' : 'nothing is unlocked', {
      preview: true,
      unlocked: isOpen,
    });
    return;
  }
  const wasOpen = await lockKeeper(home);
  terminal.result(wasOpen ? 'locked' : 'nothing was unlocked', { locked: wasOpen });
}
