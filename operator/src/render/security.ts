// SPDX-License-Identifier: Apache-2.0
/** Security and resources of every container: the restricted Pod Security standard, and requests and limits always. */
import type { CheckedSpec } from '@melissa/crds';

type Template = NonNullable<CheckedSpec['client']['template']>;
type Amounts = Record<string, string>;

/** Neither root nor a user of any distribution. */
const NOBODY = 65_532;

/** `null` in the template leaves the choice to the cluster. */
function chosen(value: number | null | undefined): number | undefined {
  return value === null ? undefined : (value ?? NOBODY);
}

const defined = <T extends Record<string, unknown>>(fields: T): Partial<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;

export function podSecurity(template: Template | undefined): Record<string, unknown> {
  const given = template?.securityContext ?? {};
  return {
    runAsNonRoot: true,
    seccompProfile: { type: 'RuntimeDefault' },
    fsGroupChangePolicy: 'OnRootMismatch',
    ...defined({
      runAsUser: chosen(given.runAsUser),
      runAsGroup: chosen(given.runAsGroup),
      fsGroup: chosen(given.fsGroup),
    }),
  };
}

export const containerSecurity = (readOnlyRootFilesystem: boolean): Record<string, unknown> => ({
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  readOnlyRootFilesystem,
});

/** A request that is not given is the limit, and the other way round; what is given in neither comes from `usual`. */
export function resourcesOf(
  template: Template | undefined,
  usual: { requests: Amounts; limits: Amounts },
): { requests: Amounts; limits: Amounts } {
  const { requests = {}, limits = {} } = (template?.resources ?? {}) as { requests?: Amounts; limits?: Amounts };
  const names = new Set([...Object.keys(usual.requests), ...Object.keys(requests), ...Object.keys(limits)]);
  const whole: { requests: Amounts; limits: Amounts } = { requests: {}, limits: {} };
  for (const name of [...names].sort()) {
    whole.requests[name] = requests[name] ?? limits[name] ?? usual.requests[name]!;
    whole.limits[name] = limits[name] ?? requests[name] ?? usual.limits[name]!;
  }
  return whole;
}

/** Fields of a pod that a template passes on as they are. */
export function placement(template: Template | undefined): Record<string, unknown> {
  const { nodeSelector, affinity, tolerations, priorityClassName, runtimeClassName, imagePullSecrets } = template ?? {};
  return defined({ nodeSelector, affinity, tolerations, priorityClassName, runtimeClassName, imagePullSecrets });
}
