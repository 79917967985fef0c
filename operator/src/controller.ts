// SPDX-License-Identifier: Apache-2.0
/** The declaration of the one controller: whose changes concern a study. Used by io/operator.ts, and by tests on an API server in memory. */
import { controller, type Context, type ControllerDeclaration } from 'operator-runtime';
import {
  claims,
  configMaps,
  failedPilots,
  jobs,
  networkPolicies,
  serverPods,
  serviceAccounts,
  services,
  statefulSets,
  studies,
  type Study,
} from './kinds.ts';
import { reconcile, studyKeyOf, type Parts } from './reconcile.ts';

/** A visit waits for a head: enough of them that some silent heads do not hold up the others. */
const CONCURRENCY = 16;

export const studyController = (parts: Parts): ControllerDeclaration<Study> =>
  controller<Study>({
    name: 'melissastudy',
    kind: studies,
    owns: [configMaps, networkPolicies, services, serviceAccounts, claims, statefulSets, jobs],
    watches: [
      { kind: serverPods, concerns: studyKeyOf },
      { kind: failedPilots, concerns: studyKeyOf },
    ],
    concurrency: CONCURRENCY,
    reconcile: (context: Context<Study>) => reconcile(parts, context),
  });
