import type { Operation } from './operation.js';
import { operations } from './operations.js';

interface Route {
  readonly operation: Operation;
  readonly members: readonly string[];
  readonly pattern: RegExp;
}

const toRoute = (operation: Operation): Route => ({
  operation,
  members: [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, member = '']) => member),
  pattern: new RegExp(`^${operation.path.replaceAll(/\{\w+\}/g, '([^/]+)')}$`),
});

/** Paths without members come first: `/principals/things` is no `/principals/{x}`. */
const routes = operations.map(toRoute).sort((a, b) => a.members.length - b.members.length);

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

export interface FoundOperation {
  readonly operation: Operation;
  readonly path: Readonly<Record<string, string>>;
}

/** The operation of a method and a path, with the members in the path decoded. */
export const findOperation = (method: string, path: string): FoundOperation | undefined => {
  for (const { operation, members, pattern } of routes) {
    const match = operation.method === method ? pattern.exec(path) : null;
    if (match !== null) return { operation, path: Object.fromEntries(members.map((member, index) => [member, decode(match[index + 1] ?? '')])) };
  }
  return undefined;
};
