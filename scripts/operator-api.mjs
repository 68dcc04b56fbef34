// Writes docs/operator-api.json, the operator's table as OpenAPI; a test compares them.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { describeOperations } from '@ckm/server';

const file = fileURLToPath(new URL('../docs/operator-api.json', import.meta.url));
const options = { ...(await resolveConfig(file)), filepath: file };
writeFileSync(file, await format(JSON.stringify(describeOperations()), options));
