// SPDX-License-Identifier: Apache-2.0
/** Real clients while connections are cut, ranks restart or stall, epochs change and peers speak another version. */
import assert from 'node:assert/strict';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { test } from 'node:test';
import { encodeControl, encodeData } from '../index.ts';
import { missing, program, Proxy, start, type Ended } from './programs.ts';
import { TestServer, until, type TestServerOptions } from './test-server.ts';

const clientProgram = program('client_program');
const skip = missing(clientProgram) ?? false;
const field = (cells: number, steps: number) => [{ name: 'temperature', dtype: 2 as const, cells, steps }];

type World = { server: TestServer; proxy: Proxy };
/** A server whose data socket is behind a proxy. */
async function withWorld(options: Partial<TestServerOptions>, body: (world: World) => Promise<void>): Promise<void> {
  const server = await new TestServer(options).start();
  const proxy = new Proxy(server.rankEndpoint);
  server.announcedEndpoint = await proxy.start();
  try {
    await body({ server, proxy });
  } finally {
    await proxy.close();
    await server.close();
  }
}
const client = (server: TestServer, words: (string | number)[], environment: Record<string, string> = {}) =>
  start(clientProgram, words.map(String), server.environment(environment));
function succeeded(ended: Ended): void {
  assert.equal(ended.code, 0, `${ended.signal ?? ''} ${ended.stdout} ${ended.stderr}`);
}
function hasSteps(server: TestServer, cells: number, steps: number, framesTotal = steps): void {
  for (let step = 0; step < steps; step++) {
    assert.deepEqual(
      server.received(5, 'temperature', step),
      Array.from({ length: cells }, (_, i) => 1000 * step + i),
      `step ${step}`,
    );
  }
  assert.equal(server.framesTotal, framesTotal);
}

test('connections that are cut again and again lose and repeat nothing', { skip }, () =>
  withWorld({ fields: field(100, 400) }, async ({ server, proxy }) => {
    const running = client(server, [100, 400, 'pause=3000']);
    for (let cuts = 1; cuts <= 5; cuts++) {
      await until(`frame ${60 * cuts}`, () => server.framesTotal >= 60 * cuts);
      proxy.cut();
      await until(`connection ${cuts + 1}`, () => proxy.connectionsTotal > cuts);
    }
    succeeded(await running.ended);
    hasSteps(server, 100, 400);
    assert.ok(proxy.connectionsTotal >= 6);
    assert.equal(server.log('ClientBye').length, 1);
  }),
);

test('a link that is away for a while holds the solver back, not up', { skip }, () =>
  withWorld({ fields: field(100, 200), sendWindowBytes: 20_000 }, async ({ server, proxy }) => {
    const running = client(server, [100, 200, 'pause=200']);
    await until('frame 40', () => server.framesTotal >= 40);
    proxy.refuse = true;
    proxy.cut();
    await until('the client asks the head where the rank is', () => server.log('ClientHello').length >= 2);
    assert.ok(server.framesTotal < 200);
    proxy.refuse = false;
    succeeded(await running.ended);
    hasSteps(server, 100, 200);
  }),
);

test('a rank that comes back with another instance gets what was not acknowledged', { skip }, () =>
  withWorld({ fields: field(100, 300) }, async ({ server, proxy }) => {
    const running = client(server, [100, 300, 'pause=500']);
    // Frames whose acknowledgement was lost with the session come again: a rank knows them by its bits.
    for (let restarts = 1; restarts <= 3; restarts++) {
      await until(`frame ${70 * restarts}`, () => server.framesTotal >= 70 * restarts);
      server.restartRank();
      proxy.cut();
    }
    succeeded(await running.ended);
    hasSteps(server, 100, 300, server.framesTotal);
  }),
);

test('a rank that comes back at another address is found through the head', { skip }, () =>
  withWorld({ fields: field(100, 200) }, async ({ server, proxy }) => {
    const running = client(server, [100, 200, 'pause=500']);
    await until('frame 50', () => server.framesTotal >= 50);
    const moved = new Proxy(server.rankEndpoint);
    server.announcedEndpoint = await moved.start();
    try {
      server.restartRank();
      proxy.refuse = true;
      proxy.cut();
      succeeded(await running.ended);
      hasSteps(server, 100, 200, server.framesTotal);
    } finally {
      await moved.close();
    }
  }),
);

test('a session that the rank has forgotten without a cut is opened again', { skip }, () =>
  withWorld({ fields: field(100, 200) }, async ({ server }) => {
    const running = client(server, [100, 200, 'pause=500']);
    await until('frame 50', () => server.framesTotal >= 50);
    server.restartRank();
    succeeded(await running.ended);
    hasSteps(server, 100, 200);
    assert.ok(server.gapsTotal > 0 || server.opensTotal > 1);
  }),
);

test('credit holds the sender back and frames of any size still pass', { skip }, async () => {
  // 80,000 bytes a step: credit of two steps, of less than one.
  for (const creditBytes of [160_000, 1000]) {
    const steps = creditBytes === 1000 ? 2 : 30;
    await withWorld({ fields: field(10_000, steps), creditBytes, sendTimeoutMs: 3000 }, async ({ server }) => {
      succeeded(await client(server, [10_000, steps]).ended);
      assert.equal(server.framesTotal, steps);
      assert.equal(server.gapsTotal, 0);
    });
  }
});

test('a rank that stalls blocks the solver within the window and lets it go on', { skip }, () =>
  withWorld({ fields: field(10_000, 100), sendWindowBytes: 400_000 }, async ({ server }) => {
    server.frozen = true;
    const running = client(server, [10_000, 100]);
    await until('the fields are announced', () => server.log('Field').length === 1);
    await until('two heartbeats have passed', () => server.log('ClientHeartbeat').length >= 2);
    assert.equal(running.stdout(), '');
    server.frozen = false;
    succeeded(await running.ended);
    assert.equal(server.framesTotal, 100);
  }),
);

test('a rank that never answers ends the attempt after sendTimeout with a clear text', { skip }, () =>
  withWorld({ fields: field(100, 3), sendTimeoutMs: 1500 }, async ({ server }) => {
    server.onOpen = () => null;
    const ended = await client(server, [100, 3]).ended;
    assert.equal(ended.code, 5);
    assert.match(ended.stdout, /^done 5 server rank 0 at tcp:.* acknowledged nothing for 1500 ms/m);
    assert.equal(server.log('ClientBye').length, 0);
  }),
);

test('a new epoch costs a new hello and no sample', { skip }, () =>
  withWorld({ fields: field(100, 300) }, async ({ server }) => {
    const running = client(server, [100, 300, 'pause=500']);
    await until('frame 80', () => server.framesTotal >= 80);
    server.epoch = 2;
    await until('frame 160', () => server.framesTotal >= 160);
    server.epoch = 5;
    succeeded(await running.ended);
    hasSteps(server, 100, 300);
    assert.ok(server.log('ClientHello').length >= 3);
  }),
);

test('a new head that does not know the attempt yet is asked again, and costs no sample', { skip }, () =>
  withWorld({ fields: field(100, 300) }, async ({ server }) => {
    const running = client(server, [100, 300, 'pause=500']);
    await until('frame 80', () => server.framesTotal >= 80);
    let refusals = 0;
    server.onControl = (message) =>
      message.name === 'ClientHello' && ++refusals <= 3
        ? server.refused('EPILOT_AWAY', 'its pilot is away', message.request, 50)
        : undefined;
    server.epoch = 2;
    succeeded(await running.ended);
    hasSteps(server, 100, 300);
    assert.ok(refusals > 3);
  }),
);

test('an attempt that was replaced ends with CANCELLED, from the rank or from the head', { skip }, async () => {
  await withWorld({ fields: field(100, 300) }, async ({ server }) => {
    const running = client(server, [100, 300, 'pause=500']);
    await until('frame 50', () => server.framesTotal >= 50);
    server.onOpen = (open) => server.dataRefused(open, 0, 'EATTEMPT');
    server.restartRank();
    const ended = await running.ended;
    assert.match(ended.stdout, /^send 6 EATTEMPT: refused with EATTEMPT/m);
  });
  await withWorld({ fields: field(100, 300) }, async ({ server }) => {
    const running = client(server, [100, 300, 'pause=500']);
    await until('frame 50', () => server.framesTotal >= 50);
    await server.push('ClientStop', { reason: 'the study was cancelled' });
    assert.match((await running.ended).stdout, /^send 6 the study was cancelled/m);
  });
  await withWorld({ fields: field(100, 3) }, async ({ server }) => {
    server.onControl = (message) =>
      message.name === 'ClientHello' ? server.refused('ELEASE', 'leased again', message.request) : undefined;
    assert.match((await client(server, [100, 3]).ended).stdout, /^open 6 ELEASE: leased again/m);
  });
});

test('a call that a head does not answer ends with its attempt, and not with its own limit', { skip }, async () => {
  for (const unanswered of ['Field', 'ClientBye'] as const)
    await withWorld({ fields: field(100, 3) }, async ({ server }) => {
      let hellos = 0;
      server.onControl = (message) => {
        if (message.name === 'ClientHello' && ++hellos > 1)
          return server.refused('ELEASE', 'not leased', message.request);
        if (message.name !== unanswered) return undefined;
        // As a restarted head does to whom it does not know.
        server.epoch = 2;
        return encodeControl('HeadHeartbeat', { planFinished: 0 }, { epoch: 2, request: 0 });
      };
      const ended = await client(server, [100, 3]).ended;
      assert.match(ended.stdout, /6 ELEASE: not leased/m, unanswered);
      assert.ok(ended.seconds < server.options.sendTimeoutMs / 2000, `${unanswered}: ${ended.seconds} s`);
    });
});

test('a head that is busy is asked again when it said', { skip }, () =>
  withWorld({ fields: field(100, 3) }, async ({ server }) => {
    let refusals = 0;
    server.onControl = (message) =>
      message.name === 'ClientHello' && ++refusals <= 3
        ? server.refused('EBUSY', 'later', message.request, 50)
        : undefined;
    succeeded(await client(server, [100, 3]).ended);
    assert.equal(server.log('ClientHello').length, 4);
  }),
);

test('a request whose answer is lost is repeated with the same number', { skip }, () =>
  withWorld({ fields: field(100, 3) }, async ({ server }) => {
    const seen = new Set<string>();
    server.onControl = (message) => {
      if (message.name === 'ClientHeartbeat' || seen.has(message.name)) return undefined;
      seen.add(message.name);
      return null;
    };
    succeeded(await client(server, [100, 3]).ended);
    const byes = server.controlLog.filter(({ name }) => name === 'ClientBye');
    assert.equal(byes.length, 2);
    assert.equal(byes[0]!.request, byes[1]!.request);
    hasSteps(server, 100, 3);
  }),
);

test('another version is an error on the spot, never a hang', { skip }, async () => {
  const newer = (frame: Uint8Array): Uint8Array => {
    const copy = frame.slice();
    copy[4] = 9;
    return copy;
  };
  await withWorld({ fields: field(100, 3) }, async ({ server }) => {
    server.onControl = (message) => newer(encodeControl('Ok', {}, { epoch: 1, request: message.request }));
    const ended = await client(server, [100, 3]).ended;
    assert.match(ended.stdout, /^open 8 the head speaks another version/m);
    assert.ok(ended.seconds < 5);
  });
  await withWorld({ fields: field(100, 3) }, async ({ server }) => {
    server.onControl = (message) => server.refused('EVERSION', 'this head speaks 2, you speak 1', message.request);
    assert.match((await client(server, [100, 3]).ended).stdout, /^open 8 EVERSION: this head speaks 2, you speak 1/m);
  });
  await withWorld({ fields: field(100, 3) }, async ({ server }) => {
    server.onOpen = ({ simulation, draw, attempt }) =>
      newer(
        encodeData(
          'Opened',
          { instance: 1n, held: 0, creditLimit: 1000, ring: '', simulation, draw, attempt },
          { epoch: 1 },
        ),
      );
    assert.match((await client(server, [100, 3]).ended).stdout, /^done 8 a server rank speaks another version/m);
  });
});

test('garbage from the head or a rank is dropped and the client goes on', { skip }, () =>
  withWorld({ fields: field(100, 3) }, async ({ server }) => {
    let garbage = 0;
    server.onOpen = () => (garbage++ === 0 ? new TextEncoder().encode('HTTP/1.1 400 Bad Request\r\n\r\n') : undefined);
    succeeded(await client(server, [100, 3]).ended);
    hasSteps(server, 100, 3);
  }),
);

test('a rank that claims frames it was never sent is refused', { skip }, () =>
  withWorld({ fields: field(100, 3) }, async ({ server }) => {
    server.onOpen = ({ simulation, draw, attempt }) =>
      encodeData(
        'Opened',
        { instance: 1n, held: 77, creditLimit: 1000, ring: '', simulation, draw, attempt },
        { epoch: 1 },
      );
    assert.match(
      (await client(server, [100, 3]).ended).stdout,
      /^done 7 server rank 0 acknowledged frames that it was never sent/m,
    );
  }),
);

test('a head that breaks off every handshake is asked once what it wants', { skip }, async () => {
  let handshakes = 0;
  let questions = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    // ZeroMQ begins with its signature of 10 bytes; who asks names the mechanism in the same breath.
    socket.once('data', (bytes) => {
      if (bytes.subarray(12, 16).toString('latin1') === 'NULL') questions += 1;
      else handshakes += 1;
      socket.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const running = start(clientProgram, ['100', '3'], {
    MELISSA_HEAD: `tcp://127.0.0.1:${port}`,
    MELISSA_TIMEOUT_SECONDS: '2',
  });
  const ended = await running.ended;
  for (const socket of sockets) socket.destroy();
  server.close();
  assert.match(ended.stdout, /^open 4 the head at tcp:\/\/127.0.0.1:\d+ cannot be reached/m);
  assert.ok(handshakes > 3, `${handshakes} handshakes`);
  assert.equal(questions, 1);
});

test('nobody at the head address is an error after MELISSA_TIMEOUT_SECONDS', { skip }, async () => {
  const ended = await start(clientProgram, ['100', '3'], {
    MELISSA_HEAD: 'tcp://127.0.0.1:9',
    MELISSA_TIMEOUT_SECONDS: '0.5',
  }).ended;
  assert.match(ended.stdout, /^open 4 the head at tcp:\/\/127.0.0.1:9 cannot be reached/m);
  assert.ok(ended.seconds < 5);
});

test('small frames travel together when the server is slower than the solver', { skip }, () =>
  withWorld({ fields: field(10, 5000) }, async ({ server }) => {
    succeeded(await client(server, [10, 5000]).ended);
    hasSteps(server, 10, 5000);
    assert.ok(server.batchedTotal > 0);
  }),
);
