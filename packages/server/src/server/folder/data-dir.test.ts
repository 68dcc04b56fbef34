import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { initServer } from '../setup/init-server.js';
import { assertDataDir, createDataDir } from './data-dir.js';
import { startServer } from '../start-server.js';

let folder: string;
const at = (name: string) => join(folder, name);
const foreign = expect.objectContaining({ code: 'DATA_DIR_FOREIGN' }) as Error;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ckm-data-dir-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

/** From now on another user runs this. */
function becomeSomebodyElse(): void {
  vi.spyOn(process, 'getuid').mockReturnValue(process.getuid!() + 1);
}

test('no server is made in an empty folder of another user, who could put another config.json there', async () => {
  mkdirSync(at('alpha'), { mode: 0o700 });
  becomeSomebodyElse();
  await expect(initServer({ dataDir: at('alpha'), settings: { name: 'alpha' } })).rejects.toThrow(foreign);
  expect(readdirSync(at('alpha'))).toEqual([]);
});

test('no server is started in the folder of another user, whose settings it would follow', async () => {
  await initServer({ dataDir: at('alpha'), settings: { name: 'alpha' } });
  becomeSomebodyElse();
  const variables = { CKM_ALLOW_INSPECT: '1' };
  await expect(startServer({ dataDir: at('alpha'), variables })).rejects.toThrow(foreign);
  expect(existsSync(at('alpha/ckm.sqlite'))).toBe(false);
});

test('a folder that others may enter is closed when a server is made in it, and refused when one is started', () => {
  mkdirSync(at('alpha'), { mode: 0o755 });
  createDataDir(at('alpha'));
  expect(() => assertDataDir(at('alpha'))).not.toThrow();
  chmodSync(at('alpha'), 0o750);
  expect(() => assertDataDir(at('alpha'))).toThrow(
    expect.objectContaining({ code: 'DATA_DIR_EXPOSED' }) as Error,
  );
});

test('a folder in which the making of a server was killed says what to remove, and one with a server in it never does', async () => {
  await initServer({ dataDir: at('alpha'), settings: { name: 'alpha' } });
  const hint = () => {
    try {
      createDataDir(at('alpha'));
    } catch (error) {
      return (error as { hint: string }).hint;
    }
    return 'it was taken';
  };
  expect(hint()).toBe('choose an empty data directory');
  rmSync(at('alpha/config.json'));
  writeFileSync(at('alpha/database.json'), '{}');
  expect(hint()).toBe('choose an empty data directory');
  rmSync(at('alpha/database.json'));
  writeFileSync(at('alpha/identity.new'), '');
  expect(hint()).toMatch(/was cut short there, remove identity, identity\.new, storage\.key and do it again/);
});
