// SPDX-License-Identifier: Apache-2.0
/** Runs one rank on this machine: loads the addon, restores the newest sound checkpoint, and speaks to the head until it ends. */
import { ProjectError } from '@melissa/kit';
import { native } from '@melissa/native';
import { errors } from '../errors.ts';
import { engineOptionsOf } from '../rank/engine-options.ts';
import { Rank } from '../rank/rank.ts';
import type { RankArguments } from './arguments.ts';
import { systemClock } from './clock.ts';
import { rankLeaveMs } from '../limits.ts';
import { openControlPeer } from './control-socket.ts';
import { withHost } from './endpoint.ts';
import { realFiles } from './files.ts';
import { readServerKeys } from './keys.ts';
import type { LogFunction } from './log.ts';
import { hostIdentity, onStopSignal, randomIdentity, randomRoutingId, residentBytes } from './process.ts';
import { readStudyDirectory } from './study-directory.ts';

export async function runRank(options: RankArguments, log: LogFunction): Promise<number> {
  const { directory, rank } = options;
  const { study, token } = await readStudyDirectory(directory, options.tokenFile, options.pod?.configDirectory);
  const curve = await readServerKeys(options.curveDirectory);
  const place = {
    rank,
    token,
    listen: options.listen,
    host: hostIdentity(),
    checkpointDirectory: `${directory}/checkpoint/rank-${rank}`,
    rawDirectory: `${directory}/raw`,
    curve,
  };
  const engineOptions = engineOptionsOf(study, place);
  await realFiles.makeFolder(place.checkpointDirectory);
  if (engineOptions.rawDirectory !== '') await realFiles.makeFolder(engineOptions.rawDirectory);
  const engine = native.engineCreate(engineOptions);
  const restored = native.engineRestore(engine, Number.MAX_SAFE_INTEGER);
  for (const reason of restored.refused) log('warn', 'a checkpoint was passed over', { reason });
  const routingId = randomRoutingId();
  const refused = Promise.withResolvers<number>();
  const rankProcess = new Rank({
    native,
    engine,
    clock: systemClock,
    identity: {
      token,
      rank,
      instance: randomIdentity(),
      host: place.host,
      processId: process.pid,
      serverKey: curve?.publicKey ?? '',
    },
    restored: restored.number,
    advertised: (endpoint) => withHost(endpoint, options.advertise),
    openControl: (receive) =>
      openControlPeer({
        endpoint: options.head,
        routingId,
        curve: curve === null ? null : { ...curve, serverKey: curve.publicKey },
        receive,
        unheard: () =>
          log('warn', 'the head breaks off the handshake again and again; has it other keys than this rank?'),
        refused: () => refused.reject(new ProjectError({ code: 'EKEY_REFUSED', ...errors.EKEY_REFUSED })),
      }),
    residentBytes,
    log,
  });
  rankProcess.start();
  try {
    return await Promise.race([
      rankProcess.ended,
      refused.promise,
      toldToEnd(rankProcess, options.pod === null ? 0 : rankLeaveMs),
    ]);
  } finally {
    await rankProcess.stop();
  }
}

/** In a pod the head is told to end at the same time, and needs its ranks for a last checkpoint. */
function toldToEnd(rank: Rank, leaveMs: number): Promise<number> {
  return new Promise((resolve) =>
    onStopSignal(() => void (leaveMs === 0 ? Promise.resolve() : rank.leave(leaveMs)).then(() => resolve(0))),
  );
}
