// An owner with two machines loses one of them, and goes on with the other.
import { join } from 'node:path';

const LAPTOP = 'travel-laptop';
const OTHER = 'drawer';

/** The laptop lets another machine in; then the owner's words leave it for a paper, and it is a device like the other one. */
export async function letIn(folder, laptop, other) {
  const [paper, offer, welcome] = ['words', 'offer', 'welcome'].map((name) => join(folder, name));
  await laptop.talk('seed', 'backup', '--out', paper);
  await other.talk('device', 'join', '--name', OTHER, '--offer-out', offer);
  const added = await laptop.talk('device', 'add', offer, '--may', 'manage', '--welcome-out', welcome);
  const joined = await other.talk('device', 'join', '--welcome', welcome);
  const forgotten = await laptop.talk('seed', 'forget', '--name', LAPTOP, '--from', paper);
  return [added, joined, forgotten].map(({ stdout }) => stdout.trim()).join('\n');
}

/** From the other machine: no server answers the laptop any more. */
export async function takeOut(other) {
  const { stdout } = await other.talk('device', 'remove', LAPTOP);
  return stdout.trim();
}

/** Whoever has found the laptop asks for a payment, passphrase and all. @returns what he is told */
export async function tryStolen(laptop, key, payment) {
  const { status, stderr } = await laptop.attempt('sign', key, '--psbt', payment, '--quiet');
  if (status === 0) throw new Error('a removed device was given a signature');
  const [, told] = /error: (.*)/.exec(stderr) ?? [];
  if (told === undefined) throw new Error(`a removed device was told nothing: ${stderr}`);
  return told;
}
