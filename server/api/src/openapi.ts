// SPDX-License-Identifier: Apache-2.0
/**
 * The OpenAPI 3.1 document, made from the table of routes. Bodies with a name in schemas.ts become components and are
 * referred to; everything else is written in place.
 */
import type { TObject, TSchema } from 'typebox';
import { allRoutes, type Route } from './routes.ts';
import * as schemas from './schemas.ts';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type JsonObject = { [key: string]: Json };

/** Queries and path parameters are written in place, where the reader looks for them. */
const inPlace = new Set<unknown>([
  schemas.SimulationQuery,
  schemas.EventQuery,
  schemas.OutputQuery,
  schemas.StatisticParameters,
  schemas.StatisticOptions,
  schemas.SimulationParameters,
]);
const named = new Map<unknown, string>(
  Object.entries(schemas)
    .filter(([, schema]) => !inPlace.has(schema))
    .map(([name, schema]) => [schema, name]),
);

export function openApiDocument(version: string): JsonObject {
  const paths: Record<string, JsonObject> = {};
  for (const route of allRoutes) (paths[route.path] ??= {})[route.method.toLowerCase()] = operation(route);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Melissa study server',
      version,
      description:
        'One study: its progress, its simulations, its statistics as they are now, and the few things that can be changed.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: 'http://127.0.0.1:8888' }],
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description: 'The token of the study, from the file `token` of its directory or its Secret.',
        },
        melissa: {
          type: 'apiKey',
          in: 'header',
          name: 'token',
          description: 'The same token, as Melissa sends it; under /jobs only.',
        },
      },
      schemas: Object.fromEntries([...named].map(([schema, name]) => [name, plain(schema, true)])),
    },
  };
}

function operation(route: Route): JsonObject {
  const parameters = [...fields(route.params, 'path'), ...fields(route.query, 'query')];
  return {
    operationId: route.operation,
    summary: route.summary,
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(route.body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: plain(route.body) } } } }),
    security: security(route),
    responses: responses(route),
  };
}

function security(route: Route): Json {
  if (!route.needsToken) return [];
  return route.path.startsWith('/jobs') ? [{ bearer: [] }, { melissa: [] }] : [{ bearer: [] }];
}

/** Status codes a route can answer, with what each means. */
export function responsesOf(route: Route): [number, string][] {
  const codes: [number, string][] = [[200, route.answer.description]];
  if (route.query !== undefined || route.body !== undefined || route.params !== undefined)
    codes.push([400, 'A parameter or the body is not valid.']);
  if (route.needsToken) codes.push([401, 'The token is missing or wrong.']);
  if (route.needsStudyToken) codes.push([403, "Only the study's own token will do."]);
  if (route.notFound) codes.push([404, 'There is no such thing in this study.']);
  if (route.refusedOnCluster)
    codes.push([409, 'On a cluster the manifest alone decides; the remedy names the kubectl command.']);
  if (route.operation === 'intent') codes.push([409, 'A newer generation was taken before.']);
  codes.push([503, route.operation === 'readyz' ? 'It still starts.' : 'Not available now; try again.']);
  return codes;
}

function responses(route: Route): JsonObject {
  const error = { 'application/json': { schema: plain(schemas.ErrorBody) } };
  return Object.fromEntries(
    responsesOf(route).map(([code, description]) => [
      String(code),
      { description, content: code === 200 ? good(route) : error },
    ]),
  );
}

function good(route: Route): JsonObject {
  const content: JsonObject = {};
  if (route.answer.body !== undefined) content['application/json'] = { schema: plain(route.answer.body) };
  for (const type of route.answer.contentTypes ?? []) content[type] = {};
  return content;
}

function fields(schema: TObject | undefined, place: 'path' | 'query'): Json[] {
  if (schema === undefined) return [];
  const required: readonly string[] = schema.required ?? [];
  return Object.entries(schema.properties).map(([name, value]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema: plain(value),
  }));
}

/** The schema as plain JSON, with a reference wherever a named schema is used inside another. */
function plain(schema: unknown, isDefinition = false): Json {
  const name = named.get(schema);
  if (name !== undefined && !isDefinition) return { $ref: `#/components/schemas/${name}` };
  if (Array.isArray(schema)) return schema.map((item) => plain(item));
  if (typeof schema !== 'object' || schema === null) return schema as Json;
  return Object.fromEntries(Object.entries(schema as TSchema).map(([key, value]) => [key, plain(value)]));
}
