import { defineConfig } from 'vite';

/** Bundles the benchmark as the command line is bundled. */
export default defineConfig({
  build: {
    ssr: 'tools/bench/executor.ts',
    outDir: 'node_modules/.cache/bench',
    emptyOutDir: true,
    target: 'node20',
    reportCompressedSize: false,
  },
  ssr: { noExternal: ['fflate', 'valibot'], external: ['v86'] },
  publicDir: false,
  logLevel: 'error',
});
