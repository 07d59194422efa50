import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['core/**/*.test.ts', 'web/**/*.test.ts', 'tools/**/*.test.ts'],
    setupFiles: ['tools/seed.setup.ts'],
    // Both cores of the machine that lands our work.
    maxWorkers: 2,
    // Against hangs only: a loaded machine may take ten times as long as an idle one.
    testTimeout: 300_000,
  },
});
