/// <reference types="vitest/config" />
// How the UI is built, served in development and unit-tested. Owns the chunking and the precompressed
// copies; knows nothing about pages.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

const compressible = /\.(js|css|html|svg|json)$/;
/** Below this a compressed copy saves no packet. */
const smallestWorthCompressing = 512;

/** Puts `.br` and `.gz` beside every asset that gains from it, so that the daemon never compresses. */
function precompress(): Plugin {
  let outDir = '';
  return {
    name: 'quantix-precompress',
    apply: 'build',
    configResolved(config) {
      outDir = join(config.root, config.build.outDir);
    },
    async closeBundle() {
      const entries = await readdir(outDir, { recursive: true, withFileTypes: true });
      const files = entries
        .filter((entry) => entry.isFile() && compressible.test(entry.name))
        .map((entry) => join(entry.parentPath, entry.name));
      await Promise.all(files.map(compressBeside));
    },
  };
}

async function compressBeside(file: string): Promise<void> {
  const content = await readFile(file);
  if (content.length < smallestWorthCompressing) return;
  const quality = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
  await writeFile(`${file}.br`, brotliCompressSync(content, { params: quality }));
  await writeFile(`${file}.gz`, gzipSync(content, { level: 9 }));
}

const daemon = process.env['QX_URL'] ?? 'https://localhost:8443';

export default defineConfig({
  plugins: [react(), tailwindcss(), precompress()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  build: {
    target: 'es2022',
    // The CSP allows no `data:` scripts or styles, and a file of its own is cached for ever.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            // The whole first load in one file: a request costs more than the cached bytes it may spare.
            { name: 'app', tags: ['$initial'] },
          ],
        },
      },
    },
  },
  server: {
    proxy: {
      // The daemon's certificate is its own, and it checks that Origin and Host agree.
      '/api': { target: daemon, changeOrigin: true, secure: false, ws: true, headers: { origin: daemon } },
    },
  },
  test: {
    // A file of component tests asks for jsdom in its first line; starting it takes a second.
    environment: 'node',
    include: ['src/**/*.test.{ts,tsx}'],
    restoreMocks: true,
  },
});
