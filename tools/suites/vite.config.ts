import { defineConfig } from 'vite';

/** Bundles the runner of suites as the command line is bundled. */
export default defineConfig({
  build: {
    ssr: 'tools/suites/suites.ts',
    outDir: 'node_modules/.cache/suites',
    emptyOutDir: true,
    target: 'node20',
    reportCompressedSize: false,
  },
  ssr: { noExternal: true },
  publicDir: false,
  logLevel: 'error',
});
