import { defineConfig } from 'vite';

/** Bundles the comparison as the command line is bundled. */
export default defineConfig({
  build: {
    ssr: 'tools/fuzz/fuzz.ts',
    outDir: 'node_modules/.cache/fuzz',
    emptyOutDir: false,
    target: 'node20',
    reportCompressedSize: false,
  },
  ssr: { noExternal: true },
  publicDir: false,
  logLevel: 'error',
});
