// SPDX-License-Identifier: Apache-2.0
/** Field ownership of server-side apply, as far as tests of controllers need it: leaves are owned, lists are leaves. */
export type Json = Record<string, unknown>;
export type Owners = Map<string, Set<string>>;

const isMap = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

export function leaves(value: Json, prefix: readonly string[] = []): string[] {
  const found: string[] = [];
  for (const name in value) {
    const below = value[name];
    const path = [...prefix, name];
    if (isMap(below) && Object.keys(below).length > 0) found.push(...leaves(below, path));
    else found.push(JSON.stringify(path));
  }
  return found;
}

/** Of JSON; structuredClone takes ten times as long for objects as small as these. */
export function copy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copy);
  if (!isMap(value)) return value;
  const copied: Json = {};
  for (const name in value) copied[name] = copy(value[name]);
  return copied;
}

/** Sets what `manager` applies, takes away what it applied before and no longer does, unless another manager has it too. */
export function applyFields(live: Json, applied: Json, manager: string, owners: Owners): Json {
  const next = copy(live) as Json;
  const wanted = new Set(leaves(applied));
  for (const path of owners.get(manager) ?? []) {
    const isShared = [...owners].some(([other, paths]) => other !== manager && paths.has(path));
    if (!wanted.has(path) && !isShared) unset(next, JSON.parse(path) as string[]);
  }
  for (const text of wanted) {
    const path = JSON.parse(text) as string[];
    setAt(next, path, valueAt(applied, path));
  }
  owners.set(manager, wanted);
  return next;
}

/** RFC 7386. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isMap(patch)) return patch;
  const merged: Json = isMap(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else merged[name] = mergePatch(merged[name], value);
  }
  return merged;
}

function valueAt(value: Json, path: readonly string[]): unknown {
  return path.reduce<unknown>((below, name) => (isMap(below) ? below[name] : undefined), value);
}
function setAt(target: Json, path: readonly string[], value: unknown): void {
  let below = target;
  for (const name of path.slice(0, -1)) {
    if (!isMap(below[name])) below[name] = {};
    below = below[name] as Json;
  }
  below[path.at(-1)!] = copy(value);
}
function unset(target: Json, path: readonly string[]): void {
  const [head, ...rest] = path;
  if (rest.length === 0) delete target[head!];
  else if (isMap(target[head!])) {
    unset(target[head!] as Json, rest);
    if (Object.keys(target[head!] as Json).length === 0) delete target[head!];
  }
}
