// SPDX-License-Identifier: Apache-2.0
/**
 * The HTTP server for people and programs: registers the routes of @melissa/api with Fastify, checks the token, bounds
 * what one peer can take (connections, headers, body, time), and turns errors into answers with a remedy. It listens on
 * the loopback interface unless told otherwise.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { closest, ProjectError } from '@melissa/kit';
import { allRoutes, methodsOf, type Operation, type Route } from '@melissa/api';
import type { StudyService } from '../head/service.ts';
import { problem } from '../http/errors.ts';
import { handlers } from '../http/handlers.ts';
import { errorReply, type EventReader, type HandlerContext, type HandlerRequest, type Reply } from '../http/reply.ts';
import type { Authorize } from './authorize.ts';
import { httpMetrics, type HttpMetrics } from './http-metrics.ts';

export const httpLimits = {
  connectionsMax: 256,
  bodyBytesMax: 64 * 1024,
  headerBytesMax: 16 * 1024,
  /** A peer that drips its headers or body is cut off after these. */
  headersMs: 5000,
  requestMs: 10_000,
  keepAliveMs: 10_000,
  /** How often the server looks for such peers. */
  checkMs: 1000,
  parameterCharactersMax: 300,
  tokenCharactersMin: 16,
};
export type HttpLimits = typeof httpLimits;
export type HttpLog = Record<'info' | 'warn' | 'error', (facts: object, message: string) => void>;
export type HttpServerOptions = {
  service: StudyService;
  eventReader: EventReader;
  /** 127.0.0.1 unless the study says otherwise. */
  host?: string;
  /** 0 takes any free port. */
  port: number;
  token: string;
  log: HttpLog;
  manifest?: Record<string, unknown>;
  version?: string;
  intent?: HandlerContext['intent'];
  /** Prometheus inside a cluster's network may read /metrics without the token when this is false. */
  metricsNeedToken?: boolean;
  /** Certificate and key, PEM: then the server speaks TLS only. */
  tls?: { certificate: string; key: string };
  /** Says of a token that is not the study's whether its bearer may look at the study. */
  authorize?: Authorize;
  /** Shared by two servers of one study, so that both count in the same place. */
  metrics?: HttpMetrics;
  limits?: Partial<HttpLimits>;
};
export type HttpServer = { url: string; host: string; port: number; close(): Promise<void> };

export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const limits = { ...httpLimits, ...options.limits };
  if (options.token.length < limits.tokenCharactersMin) throw problem('EWEAKTOKEN');
  const { service, eventReader } = options;
  const metrics = options.metrics ?? httpMetrics(service.study.name, () => service.status());
  const context: HandlerContext = {
    service,
    eventReader,
    manifest: options.manifest ?? {},
    version: options.version ?? '0.0.0',
    intent: options.intent ?? 'api',
    metrics: metrics.text,
  };
  const app = makeApp(limits, options.tls);
  const check = tokenCheck(options.token, options.authorize);
  app.addHook('onRequest', async (request) => {
    const route = routeOf(request);
    const isOpen =
      route !== undefined &&
      (!route.needsToken || (route.operation === 'metrics' && options.metricsNeedToken === false));
    if (!isOpen) await check(request, route);
  });
  app.addHook('onResponse', async (request, reply) =>
    metrics.counted(routeOf(request)?.operation ?? 'none', reply.statusCode),
  );
  app.setErrorHandler((cause, request, reply) => {
    const error = translate(cause as FastifyError);
    if (!(error instanceof ProjectError))
      options.log.error({ error: String((cause as Error).stack ?? cause), path: request.url }, 'a request failed');
    const answer = errorReply(error);
    const status = (cause as FastifyError).statusCode ?? 500;
    return send(
      reply,
      error instanceof ProjectError && error.code === 'EREQUEST' && status !== 500 ? { ...answer, status } : answer,
    );
  });
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0]!;
    const methods = methodsOf(path);
    if (methods.length > 0) void reply.header('allow', [...new Set(methods)].join(', '));
    return send(
      reply,
      errorReply(methods.length > 0 ? problem('EMETHOD', `${request.method} ${path}`) : problem('ENOROUTE', path)),
    );
  });
  for (const route of allRoutes) register(app, route, context);
  return await listen(app, options, metrics.stop);
}

function makeApp(limits: HttpLimits, tls: HttpServerOptions['tls']): FastifyInstance {
  const settings = {
    logger: false,
    // Addresses that the router cannot even read never reach the error handler.
    frameworkErrors: (cause: FastifyError, _request: FastifyRequest, reply: FastifyReply) =>
      void send(reply, { ...errorReply(problem('EREQUEST', cause.message)), status: cause.statusCode ?? 400 }),
    bodyLimit: limits.bodyBytesMax,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.keepAliveMs,
    forceCloseConnections: true,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: limits.parameterCharactersMax },
    // A query's unknown key is refused by name instead of silently dropped.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: true, useDefaults: true, allErrors: false } },
    http: {
      headersTimeout: limits.headersMs,
      maxHeaderSize: limits.headerBytesMax,
      connectionsCheckingInterval: limits.checkMs,
    },
  } as const;
  const app = tls === undefined ? fastify(settings) : secureApp(settings, tls);
  app.server.maxConnections = limits.connectionsMax;
  app.removeContentTypeParser('text/plain');
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, text, done) => {
    if (text === '') return done(null, {});
    try {
      done(null, JSON.parse(text as string));
    } catch (cause) {
      done(Object.assign(problem('EREQUEST', 'the body is not JSON', { cause }), { statusCode: 400 }));
    }
  });
  return app;
}

/** Fastify names another type for a server with TLS; the routes do not differ. */
function secureApp(settings: object, tls: { certificate: string; key: string }): FastifyInstance {
  const https = { cert: tls.certificate, key: tls.key, minVersion: 'TLSv1.2' as const };
  return fastify({ ...settings, https }) as unknown as FastifyInstance;
}

function register(app: FastifyInstance, route: Route, context: HandlerContext): void {
  const strict = (schema: object | undefined): object | undefined =>
    schema === undefined ? undefined : { ...schema, additionalProperties: false };
  const schema = { params: route.params, querystring: strict(route.query), body: strict(route.body) };
  const handler = handlers[route.operation as Operation];
  app.route({
    method: route.method,
    url: route.path.replace(/\{([a-z]+)\}/g, ':$1'),
    ...(route.bodyBytesMax === undefined ? {} : { bodyLimit: route.bodyBytesMax }),
    config: { route },
    schema: Object.fromEntries(Object.entries(schema).filter(([, value]) => value !== undefined)),
    preValidation: async (request) => {
      if (route.body !== undefined) request.body ??= {}; // a body whose every key is optional may be left out
    },
    handler: async (request, reply) => {
      const { params, query, body } = request as unknown as HandlerRequest;
      return await send(reply, await handler(context, { params, query, body: body ?? {} }));
    },
  });
}

function send(reply: FastifyReply, answer: Reply): FastifyReply {
  const body =
    typeof answer.body === 'string'
      ? answer.body
      : Buffer.from(answer.body.buffer, answer.body.byteOffset, answer.body.byteLength);
  return reply
    .code(answer.status)
    .header('content-type', answer.contentType)
    .header('cache-control', 'no-store')
    .header('x-content-type-options', 'nosniff')
    .send(body);
}

function routeOf(request: FastifyRequest): Route | undefined {
  return (request.routeOptions?.config as { route?: Route } | undefined)?.route;
}

/** Digests of equal length are compared in constant time, so that neither content nor length of the token leaks. */
function tokenCheck(
  token: string,
  authorize: Authorize | undefined,
): (request: FastifyRequest, route: Route | undefined) => Promise<void> {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const wanted = digest(token);
  return async (request, route) => {
    const authorization = request.headers.authorization ?? '';
    const bearer = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
    const melissa = request.url.startsWith('/jobs') ? request.headers['token'] : undefined;
    const given = bearer ?? (typeof melissa === 'string' ? melissa : '');
    if (timingSafeEqual(digest(given), wanted)) return;
    if (authorize === undefined || given === '' || !(await authorize(given))) throw problem('ETOKEN');
    if (route?.needsStudyToken === true) throw problem('EREADER');
  };
}

/** Fastify's own refusals in our words. */
function translate(cause: FastifyError): unknown {
  if (cause instanceof ProjectError) return cause;
  const first = cause.validation?.[0];
  if (first !== undefined) {
    const key = first.params['additionalProperty'];
    if (typeof key !== 'string')
      return problem('EREQUEST', `${cause.validationContext}${first.instancePath} ${first.message}`);
    const names = allRoutes.flatMap((route) => Object.keys({ ...route.query?.properties, ...route.body?.properties }));
    const near = closest(key, [...new Set(names)]);
    return problem(
      'EREQUEST',
      `unknown key "${key}"`,
      near === null ? {} : { remedy: `Did you mean ${near}? See /openapi.json.` },
    );
  }
  return cause.statusCode !== undefined && cause.statusCode < 500 ? problem('EREQUEST', cause.message) : cause;
}

async function listen(app: FastifyInstance, options: HttpServerOptions, stop: () => void): Promise<HttpServer> {
  const host = options.host ?? '127.0.0.1';
  try {
    await app.listen({ host, port: options.port });
  } catch (cause) {
    await app.close();
    throw problem('EPORT', `${host}:${options.port} (${cause instanceof Error ? cause.message : String(cause)})`, {
      cause,
    });
  }
  const { port } = app.server.address() as AddressInfo;
  const url = `${options.tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
  options.log.info({ url }, 'the HTTP server listens');
  return {
    url,
    host,
    port,
    close: async () => {
      await app.close();
      stop();
    },
  };
}
