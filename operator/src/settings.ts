// SPDX-License-Identifier: Apache-2.0
/** The operator's settings, from environment variables to a complete form; CONTRACT.md lists them. */
import { ProjectError } from '@melissa/kit';
import { errors } from './errors.ts';

export type Settings = {
  serverImage: string;
  pilotImage: string;
  imagePullPolicy: string;
  /** Empty: all. */
  namespaces: string[];
  election: boolean;
  /** Where the lease lives; the pod's own. */
  namespace: string;
  healthPort: number;
  /** Null: /authorize is off. */
  authorize: { port: number; url: string; tlsFolder: string } | null;
  logLevel: string;
  /** Null: heads are reached at their pods' addresses. Else a relay that forwards by the name asked for (SNI): for an operator outside the cluster's network. */
  headRelay: { host: string; port: number } | null;
};

type Environment = Record<string, string | undefined>;

const wrong = (detail: string): ProjectError =>
  new ProjectError({
    code: 'EOPERATOR_SETTING',
    message: `${errors.EOPERATOR_SETTING.message}: ${detail}`,
    remedy: errors.EOPERATOR_SETTING.remedy,
  });

const needed = (environment: Environment, name: string): string => {
  const value = environment[name];
  if (value === undefined || value === '') throw wrong(`${name} is not set`);
  return value;
};

function port(environment: Environment, name: string, usual: number): number {
  const value = Number(environment[name] ?? usual);
  if (!Number.isInteger(value) || value < 0 || value > 65_535)
    throw wrong(`${name} ${environment[name]} is not a port`);
  return value;
}

function oneOf(environment: Environment, name: string, choices: readonly string[], usual: string): string {
  const value = environment[name] || usual;
  if (!choices.includes(value)) throw wrong(`${name} ${value} is none of ${choices.join(', ')}`);
  return value;
}

function relay(environment: Environment): Settings['headRelay'] {
  const value = environment['MELISSA_HEAD_RELAY'] ?? '';
  if (value === '') return null;
  const address = /^(.+):(\d+)$/.exec(value);
  if (address === null) throw wrong(`MELISSA_HEAD_RELAY ${value} is not host:port`);
  return { host: address[1]!, port: Number(address[2]) };
}

export function readSettings(environment: Environment): Settings {
  const authorizePort = port(environment, 'MELISSA_AUTHORIZE_PORT', 0);
  return {
    serverImage: needed(environment, 'MELISSA_SERVER_IMAGE'),
    pilotImage: needed(environment, 'MELISSA_PILOT_IMAGE'),
    imagePullPolicy: oneOf(
      environment,
      'MELISSA_IMAGE_PULL_POLICY',
      ['Always', 'IfNotPresent', 'Never'],
      'IfNotPresent',
    ),
    namespaces: (environment['MELISSA_NAMESPACES'] ?? '')
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
    election: oneOf(environment, 'MELISSA_ELECTION', ['true', 'false'], 'true') === 'true',
    namespace: environment['POD_NAMESPACE'] || 'default',
    healthPort: port(environment, 'MELISSA_HEALTH_PORT', 8080),
    authorize:
      authorizePort === 0
        ? null
        : {
            port: authorizePort,
            url: needed(environment, 'MELISSA_AUTHORIZE_URL'),
            tlsFolder: needed(environment, 'MELISSA_AUTHORIZE_TLS'),
          },
    headRelay: relay(environment),
    logLevel: oneOf(environment, 'MELISSA_LOG_LEVEL', ['debug', 'info', 'warn', 'error'], 'info'),
  };
}
