import { createServer } from 'node:http';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { callCkm } from '../test/call-ckm.js';
import { scratchFolder } from '../test/run-ckm.js';

test('ckm server stop stops a server of another version, whose status it cannot read', async () => {
  const scratch = scratchFolder();
  const folder = join(scratch.path, 'alpha');
  mkdirSync(folder, { mode: 0o700 });
  const asked: string[] = [];
  const server = createServer(({ method, url }, response) => {
    asked.push(`${method} ${url}`);
    response.setHeader('content-type', 'application/json');
    response.end(url === '/shutdown' ? '{}' : '{"version":"0.1.0"}');
  });
  await new Promise<void>((resolve) => void server.listen(join(folder, 'control.sock'), resolve));
  onTestFinished(() => {
    server.close();
    scratch.remove();
  });
  expect(await callCkm(['server', 'stop', folder])).toMatchObject({
    status: 0,
    stdout: 'alpha is stopping\n',
  });
  expect(asked.at(-1)).toBe('POST /shutdown');
});
