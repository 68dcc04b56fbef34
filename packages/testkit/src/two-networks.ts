import { execFileSync, spawn, spawnSync } from 'node:child_process';

/** Two networks with a cable between them, each a network namespace of Linux: what runs in one reaches the other by it alone. */
export interface TwoNetworks {
  /** The address of each. */
  readonly addresses: readonly [string, string];
  /** Words to put before a program and its arguments, so that it runs in that network. */
  inside(which: 0 | 1): readonly string[];
  /** Pulls the cable out, or puts it in again. */
  cut(): void;
  mend(): void;
  remove(): void;
}

const ADDRESSES = ['10.77.0.1', '10.77.0.2'] as const;
const CABLES = ['ckmleft', 'ckmright'] as const;

/** Whether this machine lets us make networks of our own. */
export function canMakeNetworks(): boolean {
  return spawnSync('unshare', ['--net', 'ip', 'link', 'set', 'lo', 'up'], { stdio: 'ignore' }).status === 0;
}

/** @throws Error where {@link canMakeNetworks} is false */
export async function makeTwoNetworks(): Promise<TwoNetworks> {
  const keepers = CABLES.map(() => spawn('unshare', ['--net', 'sleep', 'infinity'], { stdio: 'ignore' }));
  const remove = () => {
    for (const keeper of keepers) keeper.kill('SIGKILL');
  };
  const inside = (which: 0 | 1) => ['nsenter', `--net=/proc/${keepers[which]!.pid!}/ns/net`];
  const ip = (which: 0 | 1, ...words: string[]) => {
    const [program, ...before] = inside(which);
    execFileSync(program!, [...before, 'ip', ...words]);
  };
  try {
    await Promise.all(keepers.map(({ pid }) => untilApart(pid!)));
    ip(
      0,
      'link',
      'add',
      CABLES[0],
      'type',
      'veth',
      'peer',
      'name',
      CABLES[1],
      'netns',
      String(keepers[1]!.pid),
    );
    for (const which of [0, 1] as const) {
      ip(which, 'address', 'add', `${ADDRESSES[which]}/24`, 'dev', CABLES[which]);
      for (const one of ['lo', CABLES[which]]) ip(which, 'link', 'set', one, 'up');
    }
  } catch (error) {
    remove();
    throw error;
  }
  return {
    addresses: ADDRESSES,
    inside,
    cut: () => {
      ip(0, 'link', 'set', CABLES[0], 'down');
    },
    mend: () => {
      ip(0, 'link', 'set', CABLES[0], 'up');
    },
    remove,
  };
}

const LOOKS = 200;
const LOOK_MS = 10;

/** Until a process that was started is in a network of its own. */
async function untilApart(pid: number): Promise<void> {
  const networkOf = (of: string) =>
    spawnSync('readlink', [`/proc/${of}/ns/net`], { encoding: 'utf8' }).stdout;
  for (let look = 0; look < LOOKS; look++) {
    const its = networkOf(String(pid));
    if (its !== '' && its !== networkOf('self')) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  throw new Error('no network of its own was made');
}
