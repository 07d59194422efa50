import { defineConfig } from 'vite';

/** Bundles the campaign as the command line is bundled. */
export default defineConfig({
  build: {
    ssr: 'tools/monitor/campaign.ts',
    outDir: 'node_modules/.cache/monitor',
    emptyOutDir: true,
    target: 'node20',
    reportCompressedSize: false,
  },
  ssr: { noExternal: true },
  publicDir: false,
  logLevel: 'error',
});
