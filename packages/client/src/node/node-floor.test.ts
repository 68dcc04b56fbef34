import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { assertNodeIsNewEnough } from './node-floor.js';

test('assertNodeIsNewEnough refuses whatever is older than what the package says it needs, and says what that is', () => {
  const { engines } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    engines: { node: string };
  };
  const floor = engines.node.replace('>=', '');
  for (const old of ['18.20.8', '20.19.5', '22.12.0'])
    expect(() => assertNodeIsNewEnough(old)).toThrow(
      expect.objectContaining({ code: 'NODE_TOO_OLD', message: expect.stringContaining(floor) }),
    );
  for (const good of [`${floor}.0`, '22.20.1', '24.1.0', '26.0.0']) assertNodeIsNewEnough(good);
});
