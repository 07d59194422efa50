import { defineConfig } from 'vite';

/** Bundles the command line for Node: the bundled executor is many times faster than modules that are translated as they load. */
export default defineConfig({
  build: {
    ssr: 'core/cli.ts',
    outDir: 'node_modules/.cache/ringside',
    emptyOutDir: true,
    target: 'node20',
    reportCompressedSize: false,
  },
  ssr: { noExternal: true },
  publicDir: false,
  logLevel: 'error',
});
