// SPDX-License-Identifier: Apache-2.0
/** An engine that nobody stops must neither crash nor hang the process: at exit, in a worker that is terminated, when it is collected. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';

// Generous: only a hanging process lives this long.
const PATIENCE_MS = 60_000;
const urlOf = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href);
const prelude = `
  import { native } from ${urlOf('./index.ts')};
  import { someOptions } from ${urlOf('./testing.ts')};
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

const cases: [string, string][] = [
  ['a process with a running engine ends by itself', 'running(); console.log("end");'],
  [
    'process.exit with a running engine and a pending promise',
    'const e = running(); void native.engineDigests(e); void native.engineCheckpoint(e, 1); console.log("end"); process.exit(0);',
  ],
  ['an engine that was never started', 'native.engineCreate(someOptions()); console.log("end");'],
  [
    'a process that ends while its engine is being stopped',
    'void native.engineStop(running()); console.log("end"); process.exit(0);',
  ],
  [
    'a pending promise keeps the process alive until it is settled',
    'const e = running(); void native.engineDigests(e).then((d) => console.log(d.length === 1 ? "end" : "wrong"));',
  ],
  [
    'an engine that is garbage is stopped and freed',
    `
      let address = '';
      (() => {
        const engine = native.engineCreate(someOptions());
        address = native.engineStart(engine, () => undefined);
      })();
      // Its address is free again once the collector has found it.
      for (let i = 0; i < 1000; i++) {
        globalThis.gc();
        await new Promise((resolve) => setImmediate(resolve));
        const probe = native.engineCreate(someOptions({ listen: address }));
        try {
          native.engineStart(probe, () => undefined);
          console.log('end');
          await native.engineStop(probe);
          break;
        } catch (error) {
          if (error.code !== 'ELISTEN') throw error;
        }
      }
    `,
  ],
  [
    'a worker with a running engine is terminated',
    `
      import { Worker } from 'node:worker_threads';
      const text = ${JSON.stringify(prelude)} + "import { parentPort } from 'node:worker_threads'; const e = running(); void native.engineDigests(e); parentPort.postMessage('up'); setInterval(() => undefined, 1000);";
      for (let i = 0; i < 5; i++) {
        const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(text)));
        await new Promise((resolve, reject) => (worker.once('message', resolve), worker.once('error', reject)));
        await worker.terminate();
      }
      console.log('end');
    `,
  ],
];

for (const [name, script] of cases) {
  test(name, async () => {
    const { code, signal, output } = await run(script);
    assert.deepEqual({ code, signal, output }, { code: 0, signal: null, output: 'end\n' });
  });
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
    // Holds the engine: one that nobody holds is collected, and stopped.
    setInterval(() => void native.engineTakeReport(engine), 1000);
  `);
  assert.deepEqual({ code, output }, { code: 3, output: 'from the callback\n' });
});
