// SPDX-License-Identifier: Apache-2.0
/**
 * Who asked the API server for what: its audit log, without the cluster's own parts. Tests count requests by it, for instance to see
 * that clients come back after an outage without a storm.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { state } from './layout.ts';

export type ApiRequest = {
  user: string;
  userAgent: string;
  verb: string;
  uri: string;
  /** 0 when no answer was sent. */
  code: number;
  receivedAt: string;
};

const logPath = (): string => state('logs', 'audit.jsonl');

export function auditFlags(): string[] {
  mkdirSync(state('logs'), { recursive: true });
  writeFileSync(state('audit.json'), JSON.stringify(policy));
  return [
    `--audit-policy-file=${state('audit.json')}`,
    `--audit-log-path=${logPath()}`,
    '--audit-log-maxsize=500', // megabytes; one file, so that counting reads one
    '--audit-log-maxbackup=1',
    '--audit-log-mode=batch',
    '--audit-log-batch-max-wait=500ms',
  ];
}

const policy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  // The end of a watch comes when it ends; its start is what counts.
  omitStages: ['RequestReceived'],
  rules: [
    { level: 'None', userGroups: ['system:nodes', 'system:serviceaccounts:kube-system'] },
    {
      level: 'None',
      users: [
        'system:apiserver',
        'system:kube-controller-manager',
        'system:kube-scheduler',
        'system:kube-proxy',
        'melissa-dns',
        'melissa-storage',
        'melissa-kwok',
      ],
    },
    { level: 'Metadata' },
  ],
};

/** Requests of everybody but the cluster's own parts, each once, in order of arrival. The log lags half a second. */
export const requests = (): ApiRequest[] => (existsSync(logPath()) ? parseAudit(readFileSync(logPath(), 'utf8')) : []);

type Entry = {
  auditID: string;
  user?: { username?: string };
  userAgent?: string;
  verb?: string;
  requestURI?: string;
  responseStatus?: { code?: number };
  requestReceivedTimestamp?: string;
};

export function parseAudit(text: string): ApiRequest[] {
  const byId = new Map<string, ApiRequest>();
  for (const line of text.split('\n')) {
    if (!line.endsWith('}')) continue; // the last line may be half written
    const entry = JSON.parse(line) as Entry;
    byId.set(entry.auditID, {
      user: entry.user?.username ?? '',
      userAgent: entry.userAgent ?? '',
      verb: entry.verb ?? '',
      uri: entry.requestURI ?? '',
      code: entry.responseStatus?.code ?? 0,
      receivedAt: entry.requestReceivedTimestamp ?? '',
    });
  }
  return [...byId.values()].sort((a, b) => (a.receivedAt < b.receivedAt ? -1 : a.receivedAt > b.receivedAt ? 1 : 0));
}
