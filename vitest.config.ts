import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['ckm-source', 'node'] },
  ssr: { resolve: { conditions: ['ckm-source', 'node'] } },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'architecture.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
    reporters: process.env['CKM_TEST_REPORT'] === undefined ? ['default'] : ['default', 'json'],
    outputFile: { json: process.env['CKM_TEST_REPORT'] ?? '' },
  },
});
