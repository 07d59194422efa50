import { defineConfig } from 'vite';

/** Bundles the writer of docs/modes.md as the command line is bundled. */
export default defineConfig({
  build: {
    ssr: 'tools/monitor/tables.ts',
    outDir: 'node_modules/.cache/tables',
    emptyOutDir: true,
    target: 'node20',
    reportCompressedSize: false,
  },
  ssr: { noExternal: true },
  publicDir: false,
  logLevel: 'error',
});
