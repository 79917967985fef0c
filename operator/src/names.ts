// SPDX-License-Identifier: Apache-2.0
/** Names, labels, ports and paths of what belongs to a study: the code of CONTRACT.md, and nothing else may spell them. */

export const MANAGER = 'melissa-operator';
export const STUDY_LABEL = 'melissa.dev/study';
export const INDEX_LABEL = 'apps.kubernetes.io/pod-index';
export const COMPONENT_LABEL = 'app.kubernetes.io/component';
const MANAGER_LABEL = 'app.kubernetes.io/managed-by';

/** Which objects the caches hold. */
export const OURS = `${MANAGER_LABEL}=${MANAGER}`;
export const SERVER_PODS = `${OURS},${COMPONENT_LABEL}=server`;
export const FAILED_PILOTS = `${OURS},${COMPONENT_LABEL}=pilot`;

/** Asks for new keys, tokens and certificates; any new value does it once. */
export const ROTATE_ANNOTATION = 'melissa.dev/rotate';
/** Hash of the template that a Job was made from: Jobs cannot be changed, so another one means another Job. */
export const TEMPLATE_ANNOTATION = 'melissa.dev/template';
/** Value of `melissa.dev/rotate` that the credentials were made for. */
export const CREDENTIALS_ANNOTATION = 'melissa.dev/credentials';

export type Component = 'server' | 'pilot' | 'study';

export const labelsOf = (study: string, component: Component): Record<string, string> => ({
  'app.kubernetes.io/name': 'melissa',
  'app.kubernetes.io/instance': study,
  [COMPONENT_LABEL]: component,
  [MANAGER_LABEL]: MANAGER,
  [STUDY_LABEL]: study,
});
/** What selectors of Services, StatefulSet and autoscalers look for. */
export const selectorOf = (study: string, component: Component): Record<string, string> => ({
  [STUDY_LABEL]: study,
  [COMPONENT_LABEL]: component,
});
export const pilotSelector = (study: string): string => `${STUDY_LABEL}=${study},${COMPONENT_LABEL}=pilot`;

export const serverSecret = (study: string): string => `${study}-server`;
export const clientSecret = (study: string): string => `${study}-client`;
export const configMapName = (study: string, hash: string): string => `${study}-study-${hash}`;
export const serverName = (study: string): string => `${study}-server`;
export const pilotName = (study: string): string => `${study}-pilot`;
export const jobName = (study: string): string => `${study}-pilots`;
export const claimName = (study: string): string => `${study}-checkpoint`;
export const headPod = (study: string): string => `${serverName(study)}-0`;
export const headless = (study: string, namespace: string): string => `${serverName(study)}.${namespace}.svc`;
/** The name in the head's certificate that the operator asks for. */
export const restName = (study: string, namespace: string): string => `${study}.${namespace}.svc`;

export const CONTROL_PORT = 7000;
export const HTTP_PORT = 8888;
export const HTTPS_PORT = 8443;
/** Of the operator, for heads that ask whether a Kubernetes token may read their study. */
export const AUTHORIZE_PORT = 8444;

export const paths = {
  study: '/etc/melissa/study',
  server: '/etc/melissa/server',
  client: '/etc/melissa/client',
  data: '/var/lib/melissa',
  pilot: '/melissa/bin',
  work: '/work',
} as const;
