// SPDX-License-Identifier: Apache-2.0
/** native: the statistics kernels and the data plane of a rank, written in C++. */
export type * from './native.ts';
export { native } from './load.ts';
export { errors } from './errors.ts';
