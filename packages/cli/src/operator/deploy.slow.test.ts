import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { connectOperator, startServer } from '@ckm/server';
import { describe, expect, test } from 'vitest';
import { callCkm } from '../test/call-ckm.js';
import { hasProgram } from '../test/programs.js';
import { scratchFolder } from '../test/run-ckm.js';

const ROOT = join(import.meta.dirname, '../../../..');
const UNIT = join(ROOT, 'deploy/ckm.service');
/** Of 10, where 10 is a service that may do everything. Source: systemd-analyze(1), `security`. */
const MOST_EXPOSED = 2.5;

describe.skipIf(!hasProgram('systemd-analyze', '--version'))(
  'the unit for systemd (needs systemd-analyze)',
  () => {
    test(`leaves a server exposed to no more than ${MOST_EXPOSED}`, () => {
      const { stdout } = spawnSync('systemd-analyze', ['security', '--offline=true', '--no-pager', UNIT], {
        encoding: 'utf8',
      });
      const exposed = /Overall exposure level for ckm\.service: ([\d.]+)/.exec(stdout)?.[1];
      expect(Number(exposed)).toBeLessThanOrEqual(MOST_EXPOSED);
    });

    test('names nothing that systemd does not know', () => {
      const { stderr } = spawnSync('systemd-analyze', ['verify', UNIT], { encoding: 'utf8' });
      // The program is installed where the unit is, not here.
      const complaints = stderr
        .split('\n')
        .filter((line) => line !== '' && !line.includes('is not executable'));
      expect(complaints).toEqual([]);
    });
  },
);

test('the unit for systemd can be enabled, and reloads a renewed certificate', () => {
  const unit = readFileSync(UNIT, 'utf8');
  for (const line of [
    '[Unit]',
    '[Install]',
    'WantedBy=multi-user.target',
    'ExecReload=/bin/kill -HUP $MAINPID',
  ])
    expect(unit.split('\n')).toContain(line);
});

test('every metric that an alert looks at is one that a server shows', async () => {
  const scratch = scratchFolder();
  const folder = `${scratch.path}/alpha`;
  await callCkm(['server', 'init', folder, '--name', 'alpha', '--listen', '127.0.0.1:0']);
  const variables = { CKM_ALLOW_INSPECT: '1' };
  const server = await startServer({
    dataDir: folder,
    variables,
    logDestination: { write: () => undefined },
  });
  try {
    const shown = await connectOperator(folder).metrics();
    const alerts = readFileSync(join(ROOT, 'deploy/alerts.yaml'), 'utf8');
    const named = new Set([...alerts.matchAll(/\bckm_[a-z_]+/g)].map(([name]) => name));
    expect(named.size).toBeGreaterThan(8);
    expect([...named].filter((name) => !shown.includes(`# TYPE ${name} `))).toEqual([]);
  } finally {
    await server.close();
    scratch.remove();
  }
});

test('the container file copies and starts what there is', () => {
  const steps = readFileSync(join(ROOT, 'deploy/Containerfile'), 'utf8');
  const [, program = ''] = /ln -s \/opt\/ckm\/(\S+) \/usr\/local\/bin\/ckm/.exec(steps) ?? [];
  expect(existsSync(join(ROOT, program))).toBe(true);
  expect(statSync(join(ROOT, program)).mode & 0o111).not.toBe(0);
  for (const [, copied] of steps.matchAll(/COPY --from=build \/src\/(\S+)/g))
    expect(existsSync(join(ROOT, copied!))).toBe(true);
  // It runs as nobody who may do anything, and takes no secret from its environment.
  expect(steps).toMatch(/^USER node$/m);
  expect(steps.split('\n').filter((step) => /^(ENV|ARG) /.test(step))).toEqual([
    'ENV CKM_LISTEN=0.0.0.0:8470',
  ]);
});
