import { createReadStream, existsSync, statSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

const project = fileURLToPath(new URL('.', import.meta.url));
const types: Readonly<Record<string, string>> = { '.json': 'application/json' };

/** Answers /images/NAME from the folder that `npm run images` fills. The folder is not published with the page. */
function images(): Plugin {
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    // Only plain file names: basename keeps a request inside the folder.
    const name = basename(decodeURIComponent((request.url ?? '').split('?')[0]));
    const file = join(project, 'images', name);
    if (name.startsWith('.') || !existsSync(file) || !statSync(file).isFile()) {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('Run `npm run images` to make the images.\n');
      return;
    }
    const type = types[name.slice(name.lastIndexOf('.'))] ?? 'application/octet-stream';
    response.writeHead(200, {
      'content-type': type,
      'content-length': statSync(file).size,
      'cache-control': 'no-cache',
    });
    createReadStream(file).pipe(response);
  };
  return {
    name: 'ringside-images',
    configureServer: server => void server.middlewares.use('/images', serve),
    configurePreviewServer: server => void server.middlewares.use('/images', serve),
  };
}

/** Modules of the first view: what the page, or the console, imports and need not ask for later. */
const firstView = new Set<string>();

/** The icons are one module that names all of them, so only a chunk with nothing else says whether they are needed first. */
const isIcon = (id: string): boolean => id.includes('/lucide-react/');

/** Tells the modules of the first view from those that only later parts of the page import. */
function findFirstView(): Plugin {
  return {
    name: 'ringside-first-view',
    apply: 'build',
    buildEnd() {
      const add = (id: string): void => {
        if (firstView.has(id)) return;
        firstView.add(id);
        for (const imported of this.getModuleInfo(id)?.importedIds ?? []) add(imported);
      };
      for (const id of this.getModuleIds()) {
        if (this.getModuleInfo(id)?.isEntry || id.endsWith('/console/terminal.ts')) add(id);
      }
    },
  };
}

export default defineConfig({
  root: 'web',
  // Relative addresses: the built page works from any folder of any static host.
  base: './',
  // A missing file is a 404, never the page again.
  appType: 'mpa',
  publicDir: '../public',
  build: {
    outDir: '../dist',
    emptyOutDir: true,
    target: 'es2022',
    rollupOptions: {
      output: {
        // The console belongs to the first view; the other parts that are fetched on demand come after it.
        chunkFileNames: ({ moduleIds }) =>
          `assets/${moduleIds.every(isIcon) || moduleIds.some(id => firstView.has(id) && !isIcon(id)) ? '' : 'later/'}[name]-[hash].js`,
        assetFileNames: ({ names: [name] }) =>
          `assets/${name.endsWith('.css') && !/^(index|terminal)/.test(name) ? 'later/' : ''}[name]-[hash][extname]`,
      },
    },
  },
  // What the worker fetches when it runs is not of the first view.
  worker: { format: 'es', rollupOptions: { output: { chunkFileNames: 'assets/later/[name]-[hash].js' } } },
  server: { host: '127.0.0.1', fs: { allow: [project] } },
  preview: { host: '127.0.0.1' },
  plugins: [react(), images(), findFirstView()],
});
