// Tests of the built UI in Chromium against a running daemon. One file after the other: each starts a
// daemon and a browser of its own.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['e2e/**/*.test.ts'],
    fileParallelism: false,
    // For a build machine that does other things as well; alone, no test takes ten seconds.
    testTimeout: 480_000,
    hookTimeout: 120_000,
  },
});
