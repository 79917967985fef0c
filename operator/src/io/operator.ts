// SPDX-License-Identifier: Apache-2.0
/** The operator as a process: settings → controller, /authorize, and the runtime's program around them. */
import { runOperator, systemClock, type Transport } from 'operator-runtime';
import { studyController } from '../controller.ts';
import { gauges } from '../gauges.ts';
import { Memory } from '../memory.ts';
import { MANAGER } from '../names.ts';
import type { Settings } from '../settings.ts';
import { credentialsMaker } from './credentials.ts';
import { headOpener } from './head-client.ts';
import { serveAuthorize } from './authorize-server.ts';

export async function runMelissaOperator(settings: Settings): Promise<void> {
  let wire: Transport | null = null;
  const { authorize } = settings;
  const served = authorize === null ? null : await serveAuthorize({ ...authorize, transport: () => wire });
  const study = studyController({
    config: {
      serverImage: settings.serverImage,
      pilotImage: settings.pilotImage,
      imagePullPolicy: settings.imagePullPolicy,
      authorize:
        authorize === null || served === null ? null : { url: authorize.url, caCertificate: served.caCertificate },
    },
    memory: new Memory(),
    makeCredentials: credentialsMaker(() => systemClock.wallMs()),
    openHead: headOpener(settings.headRelay),
  });
  await runOperator({
    name: MANAGER,
    controllers: [study],
    namespaces: settings.namespaces,
    ...(settings.election ? { election: { namespace: settings.namespace } } : {}),
    health: { port: settings.healthPort },
    gauges,
    logLevel: settings.logLevel,
    wrap: (transport) => (wire = transport),
  });
  await served?.close();
}
