import { availableParallelism } from 'node:os';
import { defineConfig } from '@playwright/test';

const PORT = Number(process.env['PORT'] ?? 4173);

/** The built page in the system's Chromium. */
export default defineConfig({
  testDir: 'e2e',
  outputDir: 'test-results/e2e',
  timeout: process.env['SLOW'] === undefined ? 60_000 : 300_000,
  expect: { timeout: process.env['SLOW'] === undefined ? 5000 : 30_000 },
  // A page keeps two cores busy: its own thread and the machine's.
  workers: Math.max(1, Math.floor(availableParallelism() / 2)),
  // What is timed has the computer for itself.
  projects: [
    { name: 'page', grepInvert: /@alone/ },
    { name: 'alone', grep: /@alone/, dependencies: ['page'], workers: 1 },
  ],
  // A busy machine gets a second try, and the report calls such a test flaky.
  retries: process.env['CI'] ? 1 : 0,
  reporter: 'list',
  use: {
    baseURL: `http://127.0.0.1:${PORT}/`,
    viewport: { width: 1440, height: 900 },
    colorScheme: 'dark',
    // Who has seen the tour; its own spec begins as a stranger.
    storageState: {
      cookies: [],
      origins: [
        {
          origin: `http://127.0.0.1:${PORT}`,
          localStorage: [{ name: 'ringside.settings', value: JSON.stringify({ toured: true }) }],
        },
      ],
    },
    launchOptions: {
      executablePath: '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
  webServer: {
    command: `npx vite build && npx vite preview --port ${PORT} --strictPort`,
    url: `http://127.0.0.1:${PORT}/`,
    timeout: 120_000,
  },
});
