// SPDX-License-Identifier: Apache-2.0
/**
 * Node's own HTTP without what nobody here uses. An `import` of node:http evaluates every one of its exports, and one of them,
 * WebSocket, loads the whole of fetch: 5 MB in each operator. Asked for in this way, only what is named is evaluated.
 */
const { Agent, createServer, request } = process.getBuiltinModule('node:http');
export { Agent, createServer, request };
