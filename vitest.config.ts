import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['core/**/*.test.ts', 'web/**/*.test.ts', 'tools/**/*.test.ts'],
    setupFiles: ['tools/seed.setup.ts'],
    testTimeout: 60_000,
  },
});
