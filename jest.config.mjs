/** Tests are TypeScript, run by jest over the compiled packages: worker threads load the same dist files. */
export default {
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  testEnvironment: '<rootDir>/test/support/leak-environment.ts',
  setupFilesAfterEnv: ['<rootDir>/test/support/leak-check.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } },
    ],
  },
};
