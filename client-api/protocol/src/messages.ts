// SPDX-License-Identifier: Apache-2.0
/**
 * Every message of the protocol, as a table. From it come the TypeScript codec (codec.ts), the C codec
 * (client-api/src/generated/messages.{h,c}), the field tables of PROTOCOL.md and the golden vectors: change a message
 * here, run `npm run generate`, and all of them follow. PROTOCOL.md says what the messages mean and in which order they
 * are sent.
 *
 * Encoding: one ZeroMQ frame a message; little-endian; an envelope, then the fields in the order of the table with no
 * padding. `string` is a u32 byte length and UTF-8; `bytes` likewise; `list<T>` is a u32 count and the items.
 */

/** The version spoken; the peer may be one older. */
export const PROTOCOL_VERSION = 1;
export const PROTOCOL_VERSION_OLDEST = 1;
/** 'MLSC', read as a little-endian u32. */
export const CONTROL_MAGIC = 0x43534c4d;
/** 'MLSD'. */
export const DATA_MAGIC = 0x44534c4d;

export type Scalar = 'u8' | 'u16' | 'u32' | 'u64' | 'i32' | 'f64' | 'string' | 'bytes';
export type FieldType = Scalar | { list: Scalar } | { list: Record<string, Scalar> };
export type MessageTable = Record<string, { code: number; from: string; fields: Record<string, FieldType> }>;

/**
 * Control messages: between the head's ROUTER and the DEALERs of pilots, ranks and clients (a client's rank 0).
 * Envelope of 24 bytes: magic u32, version u16, code u16, epoch u32, reserved u32, request u64. A reply repeats the
 * request's number; a request that is repeated with the same number from the same peer has no second effect and gets the same reply.
 * `epoch` is the head's epoch as the sender knows it, 0 before it knows.
 */
export const control = {
  // ---- pilot ----
  /** First message of a pilot, repeated after every reconnection and whenever the head's epoch changes. */
  PilotHello: {
    code: 1,
    from: 'pilot',
    fields: {
      token: 'string',
      pilot: 'string', // backend's id of this pilot, e.g. pilot-3; unique in the study
      instance: 'u64', // random per process: tells a restarted pilot from a reconnected one
      host: 'string',
      processId: 'u32',
      slots: 'u16', // simulations it runs at once (1)
      /** Leases it still holds, so that a restarted head adopts them. */
      running: { list: { lease: 'u64', simulation: 'u32', draw: 'u16', attempt: 'u16' } },
    },
  },
  /** What every lease of the study has in common. Templates contain {parameter}, {simulation}, {group}, {seed}, {study}, {ranks}. */
  PilotWelcome: {
    code: 2,
    from: 'head',
    fields: {
      study: 'string',
      heartbeatMs: 'u32',
      silenceMs: 'u32', // the pilot ends its solvers when it has not heard the head for this long
      parameterNames: { list: 'string' },
      command: { list: 'string' },
      launcher: { list: 'string' }, // words before the command, {ranks} replaced; empty = none
      preprocessing: { list: 'string' },
      environment: { list: { name: 'string', value: 'string' } },
      files: { list: { path: 'string', content: 'bytes' } },
      outputs: { list: { field: 'string', kind: 'u8', path: 'string', cells: 'u64', dtype: 'u8', steps: 'u32' } }, // kind 1 npy, 2 raw, 3 stdout; of a solver without instrumentation
      ranks: 'u32',
      loop: 'u8',
      workDirectory: 'u8', // 0 none, 1 one per attempt
      keepWorkDirectory: 'u8', // 0 never, 1 on failure, 2 always
      workRoot: 'string', // where attempts' directories are made; empty = pilot's choice
      outputBytesMax: 'u32',
      drainSeconds: 'f64',
      seed: 'u64', // of the study; MELISSA_SEED is mixed from it, the simulation and the draw
    },
  },
  /** Pushed by the head. The pilot starts them in order, `slots` at a time. */
  Lease: {
    code: 3,
    from: 'head',
    fields: {
      leases: {
        list: {
          lease: 'u64',
          simulation: 'u32',
          draw: 'u16',
          attempt: 'u16',
          group: 'u32',
          member: 'u16',
          firstStep: 'u32', // MELISSA_RESUME_STEP: first step not yet complete on every rank
          timeoutMs: 'u32',
          /** Values as the solver shall read them (shortest round-trip decimals), joined by U+001F, in the order of parameterNames. */
          values: 'string',
        },
      },
    },
  },
  /** A simulation's process has started. */
  Started: { code: 4, from: 'pilot', fields: { lease: 'u64', processId: 'u32' } },
  /** The attempt is over as far as the pilot can see. Confirmed by Ok; repeated until it is. */
  Ended: {
    code: 5,
    from: 'pilot',
    fields: {
      lease: 'u64',
      simulation: 'u32',
      draw: 'u16',
      attempt: 'u16',
      outcome: 'u8', // 1 exited, 2 signalled, 3 could not start, 4 preprocessing failed, 5 returned unstarted, 6 interrupted by drain, 7 ended on the head's order, 8 output file missing or wrong
      exitCode: 'i32', // exit code, or signal number for 2
      reason: 'string', // one sentence, empty for a clean exit
      wallSeconds: 'f64',
      cpuSeconds: 'f64',
      peakRssBytes: 'u64',
      descendantsEnded: 'u32', // processes that outlived the solver and were ended
      outputBytes: 'u64', // all that it wrote, kept or not
      stdout: 'bytes', // at most outputBytesMax: head and tail with a line that says what was left out
      stderr: 'bytes',
    },
  },
  /** Sent every heartbeatMs while nothing else is sent. */
  PilotHeartbeat: { code: 6, from: 'pilot', fields: { running: { list: 'u64' }, waiting: { list: 'u64' } } },
  /** The pilot takes no new lease any more; unstarted leases are in Ended(5). */
  Draining: { code: 7, from: 'pilot', fields: { reason: 'string' } },
  /** End these leases' processes (or drop them if unstarted) and answer Ended(7) for each. */
  StopLeases: { code: 8, from: 'head', fields: { leases: { list: 'u64' }, reason: 'string' } },
  /** No more work: finish what runs (drain = 1) or end it (drain = 0), then exit 0 if planFinished, else exit 3. */
  Dismiss: { code: 9, from: 'head', fields: { drain: 'u8', planFinished: 'u8', reason: 'string' } },
  /** The head is alive. Sent every heartbeatMs to pilots, ranks and clients that have been silent or heard nothing. */
  HeadHeartbeat: { code: 10, from: 'head', fields: { planFinished: 'u8' } },
  /** A request took effect (or had before). */
  Ok: { code: 11, from: 'both', fields: {} },
  /** A request was refused; `code` is a row of docs/errors.md. retryAfterMs 0 = do not repeat. */
  Refused: {
    code: 12,
    from: 'both',
    fields: { code: 'string', message: 'string', remedy: 'string', retryAfterMs: 'u32' },
  },

  // ---- client (rank 0 of a solver's communicator) ----
  ClientHello: {
    code: 20,
    from: 'client',
    fields: {
      token: 'string',
      client: 'u64', // random per communicator: two clients of one attempt are told apart by it
      library: 'string', // "libmelissa 0.1.0 c", for the log
      host: 'string', // host name + boot id: equal on two processes that share memory
      simulation: 'u32',
      draw: 'u16',
      attempt: 'u16',
      ranks: 'u32', // size of the communicator
    },
  },
  ClientWelcome: {
    code: 21,
    from: 'head',
    fields: {
      study: 'string',
      /** Data endpoints of the server ranks, in rank order; `sharedMemory` 1 where the two may use a ring. */
      serverRanks: { list: { endpoint: 'string', serverKey: 'string', host: 'string' } },
      firstStep: 'u32',
      nonFinite: 'u8', // 0 reject, 1 skip, 2 propagate
      sendWindowBytes: 'u64',
      sendTimeoutMs: 'u32',
      heartbeatMs: 'u32',
      fields: { list: { name: 'string', index: 'u16', dtype: 'u8', cells: 'u64', steps: 'u32' } },
    },
  },
  /** One per melissa_init. `cells` per client rank, in rank order; dtype 1 = float32, 2 = float64. */
  Field: {
    code: 22,
    from: 'client',
    fields: { simulation: 'u32', client: 'u64', name: 'string', dtype: 'u8', cells: { list: 'u64' } },
  },
  /** Kept cells as ranges of the global index, kept steps as ranges with stride, and where each server rank's part begins in the kept cells (ranks + 1 numbers). */
  FieldLayout: {
    code: 23,
    from: 'head',
    fields: {
      index: 'u16',
      regions: { list: { begin: 'u64', end: 'u64' } },
      steps: { list: { begin: 'u32', end: 'u32', stride: 'u32' } },
      partition: { list: 'u64' },
    },
  },
  /** melissa_finalize: everything was acknowledged. Confirmed by Ok. */
  ClientBye: { code: 24, from: 'client', fields: { simulation: 'u32', client: 'u64', stepsSent: 'u64' } },
  /** The solver's data cannot be used: `field`, `step`, `cell` say where. The attempt fails with it. */
  ClientFault: {
    code: 25,
    from: 'client',
    fields: {
      simulation: 'u32',
      draw: 'u16',
      attempt: 'u16',
      client: 'u64',
      code: 'string',
      message: 'string',
      field: 'string',
      step: 'u32',
      cell: 'u64',
    },
  },
  /**
   * melissa_next_simulation of a looping solver, which leases for itself under the loop lease of its pilot. Reports what it
   * has finished since the last call; the library asks again before its local list runs dry, so that no-op simulations cost
   * no round trip each.
   */
  NextSimulations: {
    code: 26,
    from: 'client',
    fields: {
      token: 'string',
      client: 'u64',
      library: 'string',
      host: 'string',
      pilot: 'string',
      loopLease: 'u64',
      ranks: 'u32',
      wanted: 'u16', // simulations it can take now; 0 = only reports
      finished: { list: { simulation: 'u32', draw: 'u16', attempt: 'u16', wallSeconds: 'f64' } },
    },
  },
  /** terminated = 1: nothing will come any more. An empty list with terminated = 0: nothing now; the head pushes one more reply when there is. */
  NextSimulationsReply: {
    code: 27,
    from: 'head',
    fields: {
      terminated: 'u8',
      parameterNames: { list: 'string' },
      simulations: { list: { simulation: 'u32', draw: 'u16', attempt: 'u16', firstStep: 'u32', values: 'string' } },
    },
  },
  /** The study no longer wants this client. Its calls return MELISSA_ERROR_CANCELLED. */
  ClientStop: { code: 28, from: 'head', fields: { reason: 'string' } },
  ClientHeartbeat: { code: 29, from: 'client', fields: { simulation: 'u32', client: 'u64' } },

  // ---- rank ----
  RankHello: {
    code: 40,
    from: 'rank',
    fields: {
      token: 'string',
      rank: 'u32',
      instance: 'u64',
      host: 'string',
      processId: 'u32',
      endpoint: 'string', // where clients reach its data socket
      serverKey: 'string', // CURVE public key in Z85, empty = plain
      checkpoint: 'u64', // number of the checkpoint that it restored, 0 = none
      /** Bit per simulation: every unit of it has been folded or was dropped on purpose here. */
      complete: 'bytes',
    },
  },
  RankWelcome: { code: 41, from: 'head', fields: { study: 'string', heartbeatMs: 'u32', checkpoint: 'u64' } },
  /** What has become complete since the last report, at most one report every 20 ms. */
  RankProgress: {
    code: 42,
    from: 'rank',
    fields: {
      sequence: 'u64',
      /** state 1: everything is here, some of it held; state 2: folded by every consumer. */
      completed: { list: { simulation: 'u32', draw: 'u16', attempt: 'u16', state: 'u8' } },
      /** Attempts that data arrived for, and the first step that is not yet complete here: keeps leases alive. */
      active: { list: { simulation: 'u32', draw: 'u16', attempt: 'u16', firstStep: 'u32' } },
      /** Units refused because they can never be right: the attempt fails with this. */
      faults: { list: { simulation: 'u32', draw: 'u16', attempt: 'u16', code: 'string', message: 'string' } },
      framesTotal: 'u64',
      bytesTotal: 'u64',
      foldedUnitsTotal: 'u64',
      duplicatesTotal: 'u64',
      refusedTotal: 'u64',
      heldBytes: 'u64',
      connections: 'u32',
      groupsFolded: 'u64',
      foldSeconds: 'f64',
      rssBytes: 'u64',
    },
  },
  /** Forget attempts older than `attempt` of this simulation, and with `drop` all its held blocks. `newDraw` restarts its bits. */
  Attempt: { code: 43, from: 'head', fields: { simulation: 'u32', draw: 'u16', attempt: 'u16', drop: 'u8' } },
  /** Take checkpoint `number`; answered by CheckpointDone when it is durable. */
  Checkpoint: { code: 44, from: 'head', fields: { number: 'u64' } },
  CheckpointDone: {
    code: 45,
    from: 'rank',
    fields: { number: 'u64', ok: 'u8', reason: 'string', bytes: 'u64', seconds: 'f64' },
  },
  /** The older checkpoints than `number` may be removed. */
  CheckpointCommitted: { code: 46, from: 'head', fields: { number: 'u64' } },
  /**
   * Derived values of one statistic: kept cells [begin, end) of the rank's own part, as float64 (float32, uint32 for counts).
   * `statistic` is a name of docs/statistics.md; `argument` selects the threshold, quantile, parameter or pair.
   */
  ReadStatistic: {
    code: 47,
    from: 'head',
    fields: { field: 'u16', step: 'u32', statistic: 'string', argument: 'u32', begin: 'u64', end: 'u64' },
  },
  Statistic: { code: 48, from: 'rank', fields: { dtype: 'u8', values: 'bytes' } }, // dtype 1 f32, 2 f64, 3 u32, 4 u64
  /** Widest interval over eligible cells and medians of widths, for convergence. */
  ReadConvergence: {
    code: 49,
    from: 'head',
    fields: { minVarianceShare: 'f64', level: 'f64', maxVariance: { list: 'f64' } },
  },
  Convergence: {
    code: 50,
    from: 'rank',
    fields: { groups: 'u64', widest: 'f64', medianWidth: 'f64', cells: 'u64', maxVariance: { list: 'f64' } },
  },
  /** Digest per consumer: name, digest, units folded. */
  ReadDigest: { code: 51, from: 'head', fields: {} },
  Digest: {
    code: 52,
    from: 'rank',
    fields: { digests: { list: { consumer: 'string', digest: 'u64', units: 'u64' } } },
  },
  /** `partial: Whole`: every rank has received the whole of it; fold what is held. */
  Fold: { code: 54, from: 'head', fields: { simulation: 'u32', draw: 'u16', attempt: 'u16' } },
  RankHeartbeat: { code: 53, from: 'rank', fields: {} },
} as const satisfies MessageTable;

/**
 * Data messages: between a client rank's DEALER and a rank's ROUTER (or a shared ring). Every one begins with the 24-byte
 * envelope: magic u32 (DATA_MAGIC), version u16, code u16, epoch u32, crc32c u32 (of the whole frame, with this field as 0;
 * of Data: of the 96-byte header alone), request u64 (0).
 */
export const data = {
  /** Opens a session: one client rank to one rank, for one attempt. Repeated after every reconnection. */
  Open: {
    code: 101,
    from: 'client',
    fields: {
      token: 'string',
      client: 'u64',
      clientRank: 'u32',
      clientRanks: 'u32',
      simulation: 'u32',
      draw: 'u16',
      attempt: 'u16',
      firstUnacknowledged: 'u64', // sequence number of the oldest frame it still holds
      host: 'string',
      /** Fields announced so far: kept cells that each client rank owns, in rank order. */
      fields: { list: { index: 'u16', dtype: 'u8', cells: 'bytes' } }, // cells: u64 little-endian per client rank
    },
  },
  /** `held`: highest sequence held without a gap. `creditLimit`: payload bytes, counted from the session's start, that may have been sent in all. The attempt is that of the Open: a looping client has several on one connection. */
  Opened: {
    code: 102,
    from: 'rank',
    fields: {
      instance: 'u64',
      held: 'u64',
      creditLimit: 'u64',
      ring: 'string',
      simulation: 'u32',
      draw: 'u16',
      attempt: 'u16',
    },
  },
  Ack: { code: 103, from: 'rank', fields: { simulation: 'u32', attempt: 'u16', held: 'u64', creditLimit: 'u64' } },
  /** The session or one frame was refused. retry: 0 never, 1 after a new ClientHello (epoch), 2 after a new Open. */
  DataRefused: {
    code: 104,
    from: 'rank',
    fields: {
      simulation: 'u32',
      draw: 'u16',
      attempt: 'u16',
      retry: 'u8',
      code: 'string',
      message: 'string',
      remedy: 'string',
    },
  },
  /** Ends the session; everything was acknowledged. */
  Close: {
    code: 105,
    from: 'client',
    fields: { simulation: 'u32', draw: 'u16', attempt: 'u16', client: 'u64', clientRank: 'u32' },
  },
} as const satisfies MessageTable;

/**
 * A Data frame: a 96-byte header, then `count` values. A batch is several Data frames one after another in one ZeroMQ
 * message, each padded to a multiple of 8 bytes. Offsets in bytes.
 */
export const dataHeader = {
  magic: [0, 'u32'],
  version: [4, 'u16'],
  code: [6, 'u16'], // 100
  epoch: [8, 'u32'],
  crc: [12, 'u32'], // crc32c of bytes 0…95 with these four as 0
  client: [16, 'u64'],
  simulation: [24, 'u32'],
  draw: [28, 'u16'],
  attempt: [30, 'u16'],
  step: [32, 'u32'],
  field: [36, 'u16'],
  dtype: [38, 'u8'], // 1 float32, 2 float64
  flags: [39, 'u8'], // bit 0: has non-finite values
  clientRank: [40, 'u32'],
  reserved: [44, 'u32'],
  offset: [48, 'u64'], // first kept cell, in the field's global kept index
  count: [56, 'u64'], // values
  sequence: [64, 'u64'], // from 1, per client rank and rank and attempt
  payloadHash: [72, 'u64'], // XXH3-64, seed 0, of the payload bytes
  frameBytes: [80, 'u64'], // header + payload + padding
  reserved2: [88, 'u64'],
} as const;
export const DATA_HEADER_BYTES = 96;
export const DATA_CODE = 100;
