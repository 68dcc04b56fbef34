import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { assertNodeIsNewEnough } from './node-floor.js';

test('the guide says how a program runs under the Node of the clone, as the error does', () => {
  const root = new URL('../../../', import.meta.url);
  const guide = readFileSync(new URL('docs/sdk.md', root), 'utf8');
  expect(guide).toContain('\nnode /path/to/clone/scripts/with-node.mjs node hello.mjs …\n');
  expect(existsSync(new URL('scripts/with-node.mjs', root))).toBe(true);
});

test('assertNodeIsNewEnough refuses whatever is older than what the package says it needs, and says what that is', () => {
  const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    engines: { node: string };
  };
  const floor = engines.node.replace('>=', '');
  for (const old of ['18.20.8', '20.19.5', '22.12.0'])
    expect(() => assertNodeIsNewEnough(old)).toThrow(
      expect.objectContaining({
        code: 'NODE_TOO_OLD',
        message: expect.stringContaining(floor),
        hint: expect.stringContaining('node CLONE/scripts/with-node.mjs node PROGRAM'),
      }),
    );
  for (const good of [`${floor}.0`, '22.20.1', '24.1.0', '26.0.0']) assertNodeIsNewEnough(good);
});
