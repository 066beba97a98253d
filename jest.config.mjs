/**
 * Tests are TypeScript, run by jest over the compiled packages: worker threads load the same dist files. Of two projects:
 * `alone` are those that a busy machine could spoil (real players, measured lateness, bounds of starting and stopping), which
 * scripts/test.mjs runs one by one.
 */
const common = {
  rootDir: '.',
  roots: ['<rootDir>/test'],
  testEnvironment: '<rootDir>/test/support/leak-environment.ts',
  setupFilesAfterEnv: ['<rootDir>/test/support/leak-check.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } },
    ],
  },
};
const ALONE = [
  '/test/(clients|load|torture|core/server)/.*\\.test\\.ts$',
  '/test/protocols/rtsp/shutdown\\.test\\.ts$',
];

export default {
  /** For tests that name none: processes take their time to start where others run. */
  testTimeout: 30_000,
  projects: [
    {
      ...common,
      displayName: 'together',
      testMatch: ['**/*.test.ts'],
      testPathIgnorePatterns: ['/node_modules/', ...ALONE],
    },
    { ...common, displayName: 'alone', testRegex: ALONE },
  ],
};
