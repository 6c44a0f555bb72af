import { pathText, type KeyPath, type Problem } from './problem.js';

type Env = Readonly<Record<string, string | undefined>>;

const reference = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(:-([^}]*))?\}|\$\{/g;

/** `${VAR}`, `${VAR:-default}` (also when VAR is empty, as in a shell) and `$${` for a plain `${`. */
const interpolateText = (text: string, env: Env, report: (message: string) => void): string =>
  text.replace(reference, (match: string, name?: string, hasDefault?: string, fallback?: string) => {
    if (match === '$${') return '${';
    if (name === undefined) {
      report('${ must be followed by the name of a variable and }; write $${ for the characters themselves');
      return match;
    }
    const value = env[name];
    if (hasDefault !== undefined) return value === undefined || value === '' ? (fallback ?? '') : value;
    if (value === undefined) report(`environment variable ${name} is not set`);
    return value ?? match;
  });

/** Fills variables into every text value of a tree; keys are left alone. Adds what is wrong to `problems`. */
export const interpolate = (tree: unknown, env: Env, problems: Problem[]): unknown => {
  const walk = (value: unknown, path: KeyPath): unknown => {
    if (typeof value === 'string') return interpolateText(value, env, (message) => problems.push({ path: pathText(path) || 'file', message }));
    if (Array.isArray(value)) return value.map((entry: unknown, index) => walk(entry, [...path, index]));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, walk(entry, [...path, key])]));
  };
  return walk(tree, []);
};
