// SPDX-License-Identifier: Apache-2.0
/** The public HTTP API of a study: what the command line, the operator and the dashboard know of the server. */
export * from './schemas.ts';
