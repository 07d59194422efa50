import { defineConfig } from 'vite';

/** Bundles the benchmarks as the command line is bundled. */
export default defineConfig({
  build: {
    ssr: true,
    rollupOptions: {
      input: ['tools/bench/executor.ts', 'tools/bench/linux.ts', 'tools/bench/lockstep.ts', 'tools/bench/long.ts'],
    },
    outDir: 'node_modules/.cache/bench',
    emptyOutDir: true,
    target: 'node20',
    reportCompressedSize: false,
  },
  ssr: { noExternal: ['fflate', 'valibot'], external: ['v86'] },
  publicDir: false,
  logLevel: 'error',
});
