import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ENV_NAMES } from './env.js';
import { listSettings, strayNames } from './settings.js';
import { settingsPage } from './settings-page.js';

const PAGE = join(import.meta.dirname, '../../../../docs/settings.md');

test('every setting of the schema is explained, and nothing that is no setting', () => {
  const settings = listSettings();
  expect(settings.length).toBeGreaterThan(35);
  expect(settings.filter(({ says, values }) => says === '' || /undefined|^$/.test(values))).toEqual([]);
  expect(strayNames()).toEqual([]);
});

test('docs/settings.md has every setting and every variable, as the schema checks them', () => {
  const page = settingsPage();
  expect(readFileSync(PAGE, 'utf8'), 'run: npm run docs:settings').toBe(page);
  for (const name of Object.values(ENV_NAMES)) expect(page).toContain(`\`${name}\``);
});
