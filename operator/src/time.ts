// SPDX-License-Identifier: Apache-2.0
/** Without seconds' fractions, as Kubernetes writes times. */
export const timestamp = (ms: number): string => new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');
