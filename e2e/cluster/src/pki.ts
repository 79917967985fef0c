// SPDX-License-Identifier: Apache-2.0
/** A throw-away certificate authority and what it signs. EC keys: RSA keys would cost seconds. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { apiAddress, apiPort, kubeconfig, network, nodeAddress, nodeName, state } from './layout.ts';
import { must } from './shell.ts';

const pki = (name: string): string => state('pki', name);
const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
const DAYS = '365';

type Certificate = {
  name: string;
  subject: string;
  alternatives?: string;
  usage: 'serverAuth' | 'clientAuth' | 'serverAuth,clientAuth';
  authority?: string;
};

function authority(name: string): void {
  must('openssl', [
    'req',
    '-x509',
    ...ec,
    '-keyout',
    pki(`${name}.key`),
    '-out',
    pki(`${name}.crt`),
    '-days',
    DAYS,
    '-subj',
    `/CN=melissa-${name}`,
  ]);
}

function issue({ name, subject, alternatives, usage, authority: by = 'ca' }: Certificate): void {
  must('openssl', ['req', ...ec, '-keyout', pki(`${name}.key`), '-out', pki(`${name}.csr`), '-subj', subject]);
  const extensions = ['basicConstraints=CA:FALSE', 'keyUsage=digitalSignature', `extendedKeyUsage=${usage}`];
  if (alternatives !== undefined) extensions.push(`subjectAltName=${alternatives}`);
  writeFileSync(pki(`${name}.ext`), `${extensions.join('\n')}\n`);
  must('openssl', [
    'x509',
    '-req',
    '-in',
    pki(`${name}.csr`),
    '-CA',
    pki(`${by}.crt`),
    '-CAkey',
    pki(`${by}.key`),
    '-CAcreateserial',
    '-out',
    pki(`${name}.crt`),
    '-days',
    DAYS,
    '-extfile',
    pki(`${name}.ext`),
  ]);
}

function writeKubeconfig(user: string): void {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'melissa',
        cluster: { server: `https://${apiAddress}:${apiPort}`, 'certificate-authority': pki('ca.crt') },
      },
    ],
    users: [{ name: user, user: { 'client-certificate': pki(`${user}.crt`), 'client-key': pki(`${user}.key`) } }],
    contexts: [{ name: 'melissa', context: { cluster: 'melissa', user } }],
    'current-context': 'melissa',
  };
  writeFileSync(kubeconfig(user), JSON.stringify(config, null, 1), { mode: 0o600 });
}

const clients: [string, string][] = [
  ['admin', '/O=system:masters/CN=admin'],
  ['controllers', '/CN=system:kube-controller-manager'],
  ['scheduler', '/CN=system:kube-scheduler'],
  ['proxy', '/CN=system:kube-proxy'],
  ['dns', '/O=system:masters/CN=melissa-dns'],
  ['storage', '/O=system:masters/CN=melissa-storage'],
  ['kwok', '/O=system:masters/CN=melissa-kwok'],
];

/** The authority, the API server's certificates and everybody's kubeconfig; kept while the state folder lives. */
export function makeAuthority(): void {
  if (existsSync(pki('complete'))) return;
  mkdirSync(state('pki'), { recursive: true, mode: 0o700 });
  authority('ca');
  authority('front-proxy-ca');
  const names = [
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    'kubernetes.default.svc.cluster.local',
    'localhost',
  ].map((name) => `DNS:${name}`);
  issue({
    name: 'apiserver',
    subject: '/CN=kube-apiserver',
    alternatives: [`IP:127.0.0.1,IP:${apiAddress},IP:${network.apiService}`, ...names].join(','),
    usage: 'serverAuth',
  });
  issue({ name: 'apiserver-kubelet', subject: '/O=system:masters/CN=apiserver-kubelet', usage: 'clientAuth' });
  issue({ name: 'front-proxy', subject: '/CN=front-proxy', usage: 'clientAuth', authority: 'front-proxy-ca' });
  must('openssl', ['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', pki('sa.key')]);
  must('openssl', ['ec', '-in', pki('sa.key'), '-pubout', '-out', pki('sa.pub')]);
  for (const [name, subject] of clients) {
    issue({ name, subject, usage: 'clientAuth' });
    writeKubeconfig(name);
  }
  writeFileSync(pki('complete'), '');
}

export function makeNodeCertificate(index: number): void {
  const name = nodeName(index);
  if (existsSync(kubeconfig(name))) return;
  issue({
    name,
    subject: `/O=system:nodes/CN=system:node:${name}`,
    alternatives: `IP:${nodeAddress(index)},DNS:${name}`,
    usage: 'serverAuth,clientAuth',
  });
  writeKubeconfig(name);
}
