// SPDX-License-Identifier: Apache-2.0
/**
 * Why a rank or the library refuses what a solver sends. The codes travel in Refused, DataRefused, ClientFault and
 * RankProgress; the engine (server/native/src/core) and libmelissa (client-api/src) make the messages. docs/errors.md is
 * made from this table.
 */
export const errors = {} as const;
