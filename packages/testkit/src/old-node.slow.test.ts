import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const PACKAGES = ['foundation', 'gordian', 'threshold', 'requests', 'api', 'client', 'client/node', 'server'];
const OLD = `data:text/javascript,${encodeURIComponent(
  "Object.defineProperty(process.versions, 'node', { value: '20.19.5' });",
)}`;

test(
  'every package, as it is compiled, says on an older Node which one it needs',
  { timeout: 60_000 },
  async () => {
    const importing = `
    const said = {};
    for (const name of ${JSON.stringify(PACKAGES)})
      said[name] = await import('@ckm/' + name).then(() => 'loads', ({ code, message }) => code + ': ' + message);
    console.log(JSON.stringify(said));`;
    const args = ['--import', OLD, '--input-type=module', '--eval', importing];
    // The server imports the rest of them, and this package has all of them at hand.
    const cwd = join(import.meta.dirname, '..');
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd });
    const needed = 'NODE_TOO_OLD: Node 20.19.5 is too old: CKM needs 22.13 or newer';
    expect(JSON.parse(stdout)).toEqual(Object.fromEntries(PACKAGES.map((name) => [name, needed])));
  },
);
