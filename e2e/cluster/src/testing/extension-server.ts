// SPDX-License-Identifier: Apache-2.0
/** An API server behind the API server, for the test of the aggregation layer: it answers with whom it was told asks. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { TLSSocket } from 'node:tls';

const [address = '', port = '', key = '', certificate = '', authority = ''] = process.argv.slice(2);
const group = 'probe.melissa.dev';
const answers: Record<string, object> = {
  [`/apis/${group}/v1`]: { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: `${group}/v1`, resources: [] },
};

createServer(
  {
    key: readFileSync(key),
    cert: readFileSync(certificate),
    ca: readFileSync(authority),
    requestCert: true,
    rejectUnauthorized: true,
  },
  (request, response) => {
    const socket = request.socket as TLSSocket;
    const whoami = {
      user: request.headers['x-remote-user'],
      group: request.headers['x-remote-group'],
      proxy: socket.getPeerCertificate().subject.CN,
    };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(answers[(request.url ?? '').split('?')[0]!] ?? whoami));
  },
).listen(Number(port), address, () => console.log('listening'));
