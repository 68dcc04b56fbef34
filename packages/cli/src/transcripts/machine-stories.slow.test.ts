import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FreshClone, freshClone } from '../test/fresh-clone.js';
import { wordsIn } from '../test/masked.js';
import { hasProgram } from '../test/programs.js';
import { runProgram } from '../test/run-ckm.js';
import { drawScreen } from '../test/screen.js';
import { TERMINALS, type TerminalName } from '../test/sit-and-run.js';

/** What somebody sees whose machine is not ready for the program. */
let clone: FreshClone;
beforeAll(() => {
  clone = freshClone();
});
afterAll(() => clone.remove());

const SCREENS = join(import.meta.dirname, 'screens');

async function seenOn(terminal: TerminalName, flags: readonly string[]): Promise<string> {
  const { columns, environment } = TERMINALS[terminal];
  const ckm = [process.execPath, ...flags, join(clone.path, 'packages/cli/bin/ckm.js'), 'status'].join(' ');
  const command = `stty cols ${columns} rows 24; exec ${ckm}`;
  const { stdout, status } = await runProgram('script', ['-qec', command, '/dev/null'], {
    environment: { ...environment },
  });
  const { lines, broken } = drawScreen(stdout, columns);
  expect(broken).toEqual([]);
  expect(stdout).not.toContain('\u001b');
  return `$ ckm status\n${lines.join('\n')}[exit status ${status}]\n`;
}

describe.skipIf(!hasProgram('script', '--version')).each<[string, (its: FreshClone) => readonly string[]]>([
  ['checkout-unbuilt', () => []],
  ['node-too-old', (its) => its.pretend({ node: '20.19.2' })],
])('%s (needs script)', (name, flags) => {
  test.each<TerminalName>(['wide', 'narrow', 'dumb'])('on a %s terminal', async (terminal) => {
    const transcript = await seenOn(terminal, flags(clone));
    const path = join(SCREENS, `${name}.txt`);
    if (terminal === 'wide') await expect(transcript).toMatchFileSnapshot(path);
    else expect(wordsIn(transcript)).toEqual(wordsIn(readFileSync(path, 'utf8')));
  });
});
