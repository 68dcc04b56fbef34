// Two more operators, and a key that goes from 2 of 3 to 3 of 5 while its address stays.
import { operator } from './programs.mjs';

/**
 * Orders the change, as its owner. Nothing changes yet: each server waits for its operator.
 * @returns the six words that the owner tells each of them
 */
export async function orderChange(alice, key, quorum, names) {
  const command = ['key', 'requorum', key, '--quorum', quorum, '--servers', names.join(',')];
  const { words } = await alice.json(...command, '--preview');
  const { status, stdout } = await alice.attempt(...command, '--key-name', key, '--json');
  const { code } = JSON.parse(stdout).error;
  if (status === 0 || code !== 'CHANGE_WAITING')
    throw new Error(`the change did not wait for operators: ${stdout}`);
  return words;
}

/** The operator of one server looks at what waits, and types what the owner has read out. */
export async function agree({ dataDir }, words) {
  const waiting = JSON.parse((await operator('server', 'requests', dataDir, '--json')).stdout);
  const [{ orderHash }] = waiting.filter((one) => one.orderHash !== undefined);
  await operator('server', 'approve', dataDir, orderHash, '--words', words, '--as', 'operator');
}
