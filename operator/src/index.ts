// SPDX-License-Identifier: Apache-2.0
/** The MelissaStudy operator. It is started as a process (main.ts); nobody imports it. */
export { errors } from './errors.ts';
