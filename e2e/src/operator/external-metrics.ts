// SPDX-License-Identifier: Apache-2.0
/**
 * A small external.metrics.k8s.io, as an adapter between Prometheus and an autoscaler is: an API server behind the API server that answers with what the operator's
 * own metrics say. It takes requests from the API server's front proxy only.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fromKubeconfig } from 'operator-runtime';
import { scratch } from '../melissa.ts';
import type { Bench } from './bench.ts';
import type { Sample } from './load.ts';
import { until } from './operator-process.ts';

const GROUP = 'external.metrics.k8s.io';
const VERSION = 'v1beta1';
const SERVICE = 'external-metrics';
const API_SERVICE = `${VERSION}.${GROUP}`;

/** The address that the API server knows this machine by: where a connection to it comes from. */
async function ownAddress(kubeconfig: string): Promise<string> {
  const { hostname, port } = new URL((await fromKubeconfig(kubeconfig)).config.server);
  const socket = connect(Number(port || 443), hostname.replaceAll(/[[\]]/g, ''));
  try {
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return socket.localAddress ?? '';
  } finally {
    socket.destroy();
  }
}

export class ExternalMetrics {
  readonly #bench: Bench;
  readonly #namespace: string;
  readonly #read: () => Promise<readonly Sample[]>;
  #server: Server | null = null;
  asked = 0;
  constructor(bench: Bench, namespace: string, read: () => Promise<readonly Sample[]>) {
    this.#bench = bench;
    this.#namespace = namespace;
    this.#read = read;
  }

  async start(): Promise<void> {
    const folder = scratch();
    const [key, certificate] = [join(folder, 'tls.key'), join(folder, 'tls.crt')];
    const name = `${SERVICE}.${this.#namespace}.svc`;
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
        ...[
          '-subj',
          '/CN=external-metrics',
          '-addext',
          `subjectAltName=DNS:${name}`,
          '-keyout',
          key,
          '-out',
          certificate,
        ],
      ],
      { stdio: 'ignore' },
    );
    const front = await this.#bench.find<{ data: Record<string, string> }>(
      '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication',
    );
    this.#server = createServer(
      {
        key: readFileSync(key),
        cert: readFileSync(certificate),
        ca: front?.data['requestheader-client-ca-file'] ?? '',
        requestCert: true,
        rejectUnauthorized: true,
      },
      (request, response) => {
        void this.#answer(new URL(request.url ?? '/', 'https://loopback')).then(({ status, body }) =>
          response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
        );
      },
    );
    const address = await ownAddress(this.#bench.cluster.kubeconfig);
    this.#server.listen(0, address);
    await new Promise((resolve) => this.#server!.once('listening', resolve));
    await this.#register(address, (this.#server.address() as AddressInfo).port, readFileSync(certificate));
  }

  async #register(address: string, port: number, ca: Buffer): Promise<void> {
    const metadata = { name: SERVICE, namespace: this.#namespace };
    const labels = { 'kubernetes.io/service-name': SERVICE };
    const items = [
      { apiVersion: 'v1', kind: 'Service', metadata, spec: { ports: [{ port: 443, targetPort: port }] } },
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { ...metadata, labels },
        addressType: 'IPv4',
        endpoints: [{ addresses: [address], conditions: { ready: true } }],
        ports: [{ port, protocol: 'TCP' }],
      },
      {
        apiVersion: 'apiregistration.k8s.io/v1',
        kind: 'APIService',
        metadata: { name: API_SERVICE },
        spec: {
          ...{ group: GROUP, version: VERSION, groupPriorityMinimum: 100, versionPriority: 100 },
          service: { namespace: this.#namespace, name: SERVICE },
          caBundle: ca.toString('base64'),
        },
      },
    ];
    this.#bench.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
    type Conditions = { status?: { conditions?: { type: string; status: string }[] } };
    await until('the API of external metrics', async () => {
      const found = await this.#bench.find<Conditions>(`/apis/apiregistration.k8s.io/v1/apiservices/${API_SERVICE}`);
      return found?.status?.conditions?.some(({ type, status }) => type === 'Available' && status === 'True') === true;
    });
  }

  async #answer(url: URL): Promise<{ status: number; body: object }> {
    const base = `/apis/${GROUP}/${VERSION}`;
    const resource = { singularName: '', namespaced: true, kind: 'ExternalMetricValueList', verbs: ['get'] };
    const resources = [{ ...resource, name: 'melissa_simulations_pending' }];
    if (url.pathname === base)
      return {
        status: 200,
        body: { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: `${GROUP}/${VERSION}`, resources },
      };
    const [, namespace, metric] = new RegExp(`^${base}/namespaces/([^/]+)/([^/]+)$`).exec(url.pathname) ?? [];
    if (namespace === undefined) return { status: 404, body: { kind: 'Status', apiVersion: 'v1', code: 404 } };
    this.asked += 1;
    const wanted = (url.searchParams.get('labelSelector') ?? '').split(',').map((one) => one.split('='));
    const found = (await this.#read()).filter(
      ({ name, labels }) =>
        name === metric &&
        labels['namespace'] === namespace &&
        wanted.every(([key = '', value]) => key === '' || labels[key] === value),
    );
    const items = found.map(({ name, labels, value }) => ({
      ...{ metricName: name, metricLabels: labels, timestamp: new Date().toISOString(), value: String(value) },
    }));
    return {
      status: 200,
      body: { kind: 'ExternalMetricValueList', apiVersion: `${GROUP}/${VERSION}`, metadata: {}, items },
    };
  }

  /** A registered API that nobody serves would keep namespaces from being deleted. */
  async close(): Promise<void> {
    this.#bench.cluster.kubectl(['delete', 'apiservice', API_SERVICE, '--ignore-not-found']);
    this.#server?.closeAllConnections();
    await new Promise<void>((resolve) => (this.#server === null ? resolve() : this.#server.close(() => resolve())));
  }
}
