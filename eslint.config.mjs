// SPDX-License-Identifier: Apache-2.0
// No ambient world: clock, randomness, files, sockets and the environment are arguments. Real ones are made in src/main.ts and src/io.
import tseslint from 'typescript-eslint';

const clockMessage = 'Take a Clock.';
const environmentMessage = 'Read the environment in src/main.ts and pass the parsed options down.';
const ambient = [
  { selector: "CallExpression[callee.property.name='now'][callee.object.name='Date']", message: clockMessage },
  { selector: "CallExpression[callee.property.name='now'][callee.object.property.name='Date']", message: clockMessage },
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: clockMessage },
  { selector: "MemberExpression[object.name='process'][property.name='hrtime']", message: clockMessage },
  { selector: "MemberExpression[object.name='process'][property.name='uptime']", message: clockMessage },
  {
    selector: "MemberExpression[object.name='Math'][property.name='random']",
    message: 'Take a Random made from a seed.',
  },
  {
    selector: "MemberExpression[object.name='crypto'][property.name=/^(randomUUID|getRandomValues|randomBytes)$/]",
    message: 'Take a Random or an id as an argument.',
  },
  { selector: "MemberExpression[object.name='process'][property.name='env']", message: environmentMessage },
  { selector: 'ImportDeclaration[source.value=/^(node:)?process$/]', message: environmentMessage },
];
const bareErrors = [
  {
    selector:
      'ThrowStatement > NewExpression[callee.name=/^(Error|RangeError|SyntaxError|EvalError|URIError|ReferenceError|AggregateError)$/]',
    message: 'Throw a ProjectError with a code and a remedy, or assert.',
  },
];

export default tseslint.config(
  { ignores: ['**/node_modules/**', '**/build/**', '**/dist/**', '.cache/**', '**/*.generated.ts', 'studies/**'] },
  {
    files: ['**/*.ts'],
    languageOptions: { parser: tseslint.parser, parserOptions: { projectService: true } },
    plugins: { '@typescript-eslint': tseslint.plugin },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            {
              from: 'package',
              name: ['test', 'it', 'describe', 'suite', 'before', 'after', 'beforeEach', 'afterEach'],
              package: 'node:test',
            },
          ],
        },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-imports': 'error',
      'no-constant-condition': ['error', { checkLoops: false }],
      eqeqeq: 'error',
    },
  },
  {
    files: ['**/src/**/*.ts'],
    ignores: ['**/*.test.ts', '**/*.fuzz.ts', '**/*.bench.ts', 'benchmarks/**', 'e2e/**'],
    rules: { 'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }] },
  },
  {
    files: ['**/src/**/*.ts'],
    ignores: [
      '**/src/io/**',
      '**/src/main.ts',
      '**/src/generate.ts',
      '**/src/generate/**',
      '**/*.test.ts',
      '**/*.fuzz.ts',
      '**/*.bench.ts',
      'benchmarks/**',
      'e2e/**',
    ],
    rules: {
      'no-restricted-syntax': ['error', ...ambient, ...bareErrors],
      'no-restricted-globals': [
        'error',
        ...['setTimeout', 'setInterval', 'setImmediate', 'performance', 'fetch', 'crypto'].map((name) => ({
          name,
          message: 'Take it as an argument; see kit/src/clock.ts.',
        })),
      ],
    },
  },
);
