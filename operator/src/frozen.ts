// SPDX-License-Identifier: Apache-2.0
/**
 * The ConfigMap with the compiled study and the rendered children: written once for each version of the spec, read ever after, so that an operator of another
 * version, with other images, restarts nothing.
 */
import { sha256 } from '@melissa/crds';
import type { Context } from 'operator-runtime';
import { configMaps, type ConfigMap, type Study } from './kinds.ts';
import type { Remembered } from './memory.ts';
import { configMapName } from './names.ts';
import { configMap, render } from './render/render.ts';
import type { Acceptance, OperatorConfig, Rendered } from './types.ts';

export async function ensureFrozen(given: {
  study: Study;
  accepted: Extract<Acceptance, { accepted: true }>;
  known: Remembered;
  config: OperatorConfig;
  context: Context<Study>;
  isFinished: boolean;
}): Promise<{ rendered: Rendered; stale: ConfigMap[] }> {
  const { study, accepted, known, config, context, isFinished } = given;
  const { name, namespace = '' } = study.metadata;
  const revision = known.credentials?.revision ?? '';
  // New keys come with a new certificate, which is in the ConfigMap.
  const hash = revision === '' ? accepted.hash : sha256(`${accepted.hash} ${revision}`).slice(0, 10);
  const own = context.owned(configMaps);
  const wanted = configMapName(name, hash);
  const stale = own.filter(({ metadata }) => metadata.name !== wanted);
  const existing = own.find(({ metadata }) => metadata.name === wanted) ?? (isFinished ? stale[0] : undefined);
  const text = existing?.data?.['rendered'];
  if (text !== undefined) return { rendered: JSON.parse(text) as Rendered, stale };
  const subject = { name, namespace, spec: accepted.spec };
  const rendered = render(subject, config, hash);
  if (known.credentials !== null && !isFinished) {
    const { caCertificate } = known.credentials;
    const authorizeCa = config.authorize?.caCertificate ?? null;
    const uid = study.metadata.uid ?? '';
    const parts = { compiled: accepted.compiled, rendered, hash, caCertificate, authorizeCa, uid };
    const made = configMap(subject, parts);
    await context.client.apply(configMaps, made, study);
  }
  return { rendered, stale };
}
