import { defineConfig } from 'vite';

/** Bundles the worker for a browser, as its sources are: v86 is as it comes. */
export default defineConfig({
  // A missing file is a 404, never the page.
  appType: 'mpa',
  base: './',
  build: {
    rollupOptions: { input: 'tools/bench/chromium/worker.ts', output: { entryFileNames: '[name].js' } },
    outDir: 'node_modules/.cache/bench/chromium',
    emptyOutDir: true,
    target: 'es2022',
    minify: false,
    modulePreload: false,
    reportCompressedSize: false,
  },
  preview: { host: '127.0.0.1', port: 0 },
  publicDir: false,
  logLevel: 'error',
});
