// SPDX-License-Identifier: Apache-2.0
/**
 * What happens when the wake callback throws. About one run in four of it does not end on a busy machine (known, cause open;
 * the rank's own callback never throws), so it stands with the long suites until that is mended.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';

// Generous: only a hanging process lives this long.
const PATIENCE_MS = 60_000;
const urlOf = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href);
const prelude = `
  import { native } from ${urlOf('../index.ts')};
  import { someOptions } from ${urlOf('../testing.ts')};
  const running = () => {
    const engine = native.engineCreate(someOptions());
    native.engineStart(engine, () => undefined);
    return engine;
  };
`;

/** Runs the module text in a process of its own; resolves with how it ended and what it wrote. */
function run(script: string): Promise<{ code: number | null; signal: string | null; output: string }> {
  const child = spawn(process.execPath, ['--expose-gc', '--input-type=module-typescript', '--eval', prelude + script], {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: PATIENCE_MS,
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += String(chunk)));
  child.stderr.on('data', (chunk) => (output += String(chunk)));
  return new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, output })));
}

test('an exception in the wake callback is an uncaught exception, not a crash', async () => {
  const { code, output } = await run(`
    process.on('uncaughtException', (error) => {
      console.log(error.message);
      process.exit(3);
    });
    const engine = native.engineCreate(someOptions({ fields: someOptions().fields.map((f) => ({ ...f, cellEnd: 0 })) }));
    native.engineStart(engine, () => {
      throw new Error('from the callback');
    });
    native.engineAttempt(engine, 0, 0, 1, false);
    setInterval(() => undefined, 1000);
  `);
  assert.deepEqual({ code, output }, { code: 3, output: 'from the callback\n' });
});
