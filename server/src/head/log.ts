// SPDX-License-Identifier: Apache-2.0
/** How the head tells what happens, in sentences with facts; src/main.ts decides where it goes. */
export type Log = (level: 'info' | 'warn' | 'error', sentence: string, facts?: Record<string, unknown>) => void;
