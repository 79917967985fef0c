// SPDX-License-Identifier: Apache-2.0
/** Solvers that run many simulations in one process. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeControl, VALUE_SEPARATOR, type ControlMessage } from '../index.ts';
import { missing, program, pythonPath, run, source } from './programs.ts';
import { TestServer } from './test-server.ts';

const loopProgram = program('loop_program');
const skip = missing(loopProgram) ?? false;
const environment = (server: TestServer) =>
  server.environment({ MELISSA_LOOP_LEASE: '77', MELISSA_SIMULATION: '4294967295' });

/** A plan of `total` simulations, leased in any portion; the asks and what was reported are kept. */
class Plan {
  readonly total: number;
  readonly finished: number[] = [];
  asksTotal = 0;
  #next = 0;
  #answered = new Map<number, Uint8Array>();

  constructor(total: number) {
    this.total = total;
  }
  answer(message: ControlMessage): Uint8Array | undefined {
    if (message.name !== 'NextSimulations') return undefined;
    const repeated = this.#answered.get(message.request);
    if (repeated !== undefined) return repeated;
    const { body } = message;
    this.finished.push(...body.finished.map(({ simulation }) => simulation));
    if (body.wanted > 0) this.asksTotal++;
    const count = Math.min(body.wanted, this.total - this.#next);
    const simulations = Array.from({ length: count }, (_, i) => ({
      simulation: this.#next + i,
      draw: 0,
      attempt: 1,
      firstStep: 0,
      values: [`${10 * (this.#next + i)}.5`, 'text'].join(VALUE_SEPARATOR),
    }));
    this.#next += count;
    const terminated = body.wanted > 0 && count === 0 ? 1 : 0;
    const frame = encodeControl(
      'NextSimulationsReply',
      { terminated, parameterNames: ['heat', 'kind'], simulations },
      { epoch: 1, request: message.request },
    );
    this.#answered.set(message.request, frame);
    return frame;
  }
}

async function withLoop(total: number, body: (server: TestServer, plan: Plan) => Promise<void>): Promise<void> {
  const server = await new TestServer({ fields: [{ name: 'temperature', dtype: 2, cells: 4, steps: 2 }] }).start();
  const plan = new Plan(total);
  server.onControl = (message) => plan.answer(message);
  try {
    await body(server, plan);
  } finally {
    await server.close();
  }
}
const all = (total: number): number[] => Array.from({ length: total }, (_, i) => i);

test('a looping solver runs every simulation and each delivers its own steps', { skip }, () =>
  withLoop(200, async (server, plan) => {
    const ended = await run(loopProgram, ['2'], environment(server));
    assert.equal(ended.code, 0, `${ended.stdout.slice(-500)} ${ended.stderr}`);
    assert.match(ended.stdout, /^simulation 7 heat=70\.5 of 2$/m);
    assert.match(ended.stdout, /^looped 200 status 1$/m);
    for (const simulation of all(200)) {
      for (const step of [0, 1])
        assert.deepEqual(server.received(simulation, 'temperature', step), Array(4).fill(10 * simulation + 0.5 + step));
    }
    assert.equal(server.framesTotal, 400);
    assert.deepEqual(
      plan.finished.toSorted((a, b) => a - b),
      all(200),
    );
    assert.equal(server.log('Field').length, 1, 'fields are announced once a process');
    assert.equal(server.log('ClientHello').length, 1, 'and so is the process');
  }),
);

test('simulations without data cost less than a round trip each', { skip }, () =>
  withLoop(20_000, async (server, plan) => {
    const ended = await run(loopProgram, ['0'], environment(server));
    assert.equal(ended.code, 0, ended.stderr);
    assert.match(ended.stdout, /^looped 20000 status 1$/m);
    assert.equal(new Set(plan.finished).size, 20_000);
    assert.ok(plan.asksTotal < 2000, `${plan.asksTotal} questions`);
  }),
);

test('a refused simulation of a loop ends alone', { skip }, () =>
  withLoop(20, async (server) => {
    server.onOpen = (open) => (open.simulation === 3 ? server.dataRefused(open, 0, 'EATTEMPT') : undefined);
    const ended = await run(loopProgram, ['2'], environment(server));
    assert.match(ended.stdout, /^looped 20 status 1$/m);
    assert.deepEqual(server.received(19, 'temperature', 1), Array(4).fill(191.5));
  }),
);

const script = `
from melissa_api import melissa_init, melissa_send, melissa_finalize, melissa_fetch_next_parameters
import numpy as np
melissa_init("temperature", 4)
count = 0
while True:
    f = melissa_fetch_next_parameters()
    if f.is_terminated:
        break
    assert f.names == ["heat", "kind"] and f.parameters[1] == "text"
    for step in range(2):
        melissa_send("temperature", np.full(4, f.parameters[0] + step, dtype=np.float32))
    count += 1
melissa_finalize()
print("looped", count, f.sim_id)
`;
test('the loop in Python', { skip: missing(pythonPath) ?? skip }, () =>
  withLoop(50, async (server, plan) => {
    const ended = await run(pythonPath, ['-c', script], { ...environment(server), PYTHONPATH: source('python') });
    assert.match(ended.stdout, /^looped 50 -1$/m, ended.stderr);
    for (const simulation of all(50))
      assert.deepEqual(server.received(simulation, 'temperature', 1), Array(4).fill(10 * simulation + 1.5));
    assert.deepEqual(
      plan.finished.toSorted((a, b) => a - b),
      all(50),
    );
  }),
);
