// SPDX-License-Identifier: Apache-2.0
/**
 * Where others are told to connect may differ from where a socket listens: behind a relay, or on 0.0.0.0 in a pod. The port
 * stays, the host is replaced. Called by run-head.ts and run-rank.ts.
 */
export function withHost(endpoint: string, host: string | null): string {
  return host === null
    ? endpoint
    : endpoint.replace(/^(tcp:\/\/).*(:[^:]+)$/, (_, scheme, port) => `${scheme}${host}${port}`);
}

/** The host of `tcp://HOST:PORT`. */
export const hostOf = (endpoint: string): string => /^tcp:\/\/(.*):[^:]+$/.exec(endpoint)?.[1] ?? endpoint;
