// SPDX-License-Identifier: Apache-2.0
/** The public HTTP API of a study: bodies, routes, OpenAPI and a typed client. */
export * as schemas from './schemas.ts';
export type * from './schemas.ts';
export { routes, allRoutes, methodsOf, pathPattern, type Route, type Operation, type Answer } from './routes.ts';
export { openApiDocument } from './openapi.ts';
export { referencePage } from './reference.ts';
export { createClient, type Client, type ClientOptions, type FetchLike, type StatisticSelection } from './client.ts';
export { errors } from './errors.ts';
export { mismatches } from './check.ts';
