// Writes docs/settings.md anew from the schema of config.json: npm run docs:settings.
import { writeFileSync } from 'node:fs';
import { settingsPage } from '../packages/server/dist/index.js';

writeFileSync(new URL('../docs/settings.md', import.meta.url), settingsPage());
