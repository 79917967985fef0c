// SPDX-License-Identifier: Apache-2.0
/** Runs one rank on this machine: loads the addon, restores the newest sound checkpoint, and speaks to the head until it ends. */
import { native } from '@melissa/native';
import { engineOptionsOf } from '../rank/engine-options.ts';
import { Rank } from '../rank/rank.ts';
import type { RankArguments } from './arguments.ts';
import { systemClock } from './clock.ts';
import { openControlPeer } from './control-socket.ts';
import { withHost } from './endpoint.ts';
import { realFiles } from './files.ts';
import type { LogFunction } from './log.ts';
import { hostIdentity, onStopSignal, randomIdentity, randomRoutingId, residentBytes } from './process.ts';
import { readStudyDirectory } from './study-directory.ts';

export async function runRank(options: RankArguments, log: LogFunction): Promise<number> {
  const { directory, rank } = options;
  const { study, token } = await readStudyDirectory(directory, options.tokenFile);
  const place = {
    rank,
    token,
    listen: options.listen,
    host: hostIdentity(),
    checkpointDirectory: `${directory}/checkpoint/rank-${rank}`,
    rawDirectory: `${directory}/raw`,
    curve: null,
  };
  const engineOptions = engineOptionsOf(study, place);
  await realFiles.makeFolder(place.checkpointDirectory);
  if (engineOptions.rawDirectory !== '') await realFiles.makeFolder(engineOptions.rawDirectory);
  const engine = native.engineCreate(engineOptions);
  const restored = native.engineRestore(engine, Number.MAX_SAFE_INTEGER);
  for (const reason of restored.refused) log('warn', 'a checkpoint was passed over', { reason });
  const routingId = randomRoutingId();
  const rankProcess = new Rank({
    native,
    engine,
    clock: systemClock,
    identity: { token, rank, instance: randomIdentity(), host: place.host, processId: process.pid, serverKey: '' },
    restored: restored.number,
    advertised: (endpoint) => withHost(endpoint, options.advertise),
    openControl: (receive) => openControlPeer({ endpoint: options.head, routingId, curve: null, receive }),
    residentBytes,
    log,
  });
  rankProcess.start();
  const exitCode = await Promise.race([
    rankProcess.ended,
    new Promise<number>((resolve) => onStopSignal(() => resolve(0))),
  ]);
  await rankProcess.stop();
  return exitCode;
}
