import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { walkRequestWays } from '../test/request-walk.js';
import { formatRequestWays, REQUEST_STAGES } from '../test/request-ways.js';

walkRequestWays(['asked', 'waiting', 'approved', 'rejected']);

test('docs/requests.md prints this table', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../../docs/requests.md'), 'utf8');
  const squeezed = (text: string) => text.replace(/ *\| */g, '|').replace(/-{3,}/g, '---');
  expect(squeezed(page)).toContain(squeezed(formatRequestWays()));
  for (const [stage, meaning] of Object.entries(REQUEST_STAGES))
    expect(page).toContain(`- **${stage}**: ${meaning}`);
});
