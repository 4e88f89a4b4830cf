import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            'src/**/*.test.ts',
            'test/*.test.ts',
            'test/controlplane/*.test.ts',
            'test/differential/replay.test.ts',
          ],
          testTimeout: 10_000,
        },
      },
      {
        test: {
          name: 'controlplane',
          include: ['test/e2e/**/*.test.ts', 'test/differential/differential.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
