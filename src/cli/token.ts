import { openTokens, type NewToken, type Tokens } from '../app/tokens.js';
import { parseDuration } from '../config/units.js';
import { defineCommand, parseArguments, UsageError } from './arguments.js';
import { loadOrReport } from './check-config.js';
import type { Io } from './command.js';
import { reporting } from './find-connection.js';

const options = { config: { type: 'string', short: 'c' }, name: { type: 'string' }, role: { type: 'string' }, expires: { type: 'string' } } as const;

const roles = ['read', 'operate', 'admin'] as const;

interface Given {
  readonly name?: string | undefined;
  readonly role?: string | undefined;
  readonly expires?: string | undefined;
}

/** @throws UsageError */
const newToken = ({ name, role, expires }: Given): NewToken => {
  const known = roles.find((one) => one === role);
  if (name === undefined || name.trim() === '' || name.trim() !== name || name.length > 64) throw new UsageError('--name must be 1 to 64 characters, without space at its ends');
  if (known === undefined) throw new UsageError(`--role must be one of ${roles.join(', ')}`);
  const lifetime = expires === undefined ? undefined : parseDuration(expires);
  if (expires !== undefined && lifetime === undefined) throw new UsageError('--expires must be a duration such as 90d or 12h');
  return { name, role: known, ...(lifetime === undefined ? {} : { expiresAt: Date.now() + lifetime }) };
};

const isoTime = (ms: number | undefined): string => (ms === undefined ? 'never' : new Date(ms).toISOString());

const list = async (tokens: Tokens, { stdout }: Io): Promise<number> => {
  for (const { id, name, role, createdAt, expiresAt } of await tokens.list()) stdout.write(`${id}  ${role.padEnd(7)}  made ${isoTime(createdAt)}  expires ${isoTime(expiresAt)}  ${name}\n`);
  return 0;
};

const remove = async (tokens: Tokens, id: string, { stdout, stderr }: Io): Promise<number> => {
  const found = await tokens.remove(id);
  (found ? stdout : stderr).write(found ? `removed ${id}\n` : `there is no token ${id}\n`);
  return found ? 0 : 1;
};

const create = async (tokens: Tokens, given: Given, { stdout, stderr }: Io): Promise<number> => {
  stdout.write(`${await tokens.create(newToken(given))}\n`);
  stderr.write('The token is shown this once; only its hash is kept.\n');
  return 0;
};

export const tokenCommand = defineCommand({
  name: 'token',
  usage: 'token create --config FILE --name NAME --role read|operate|admin [--expires 90d] | token list --config FILE | token remove ID --config FILE',
  summary: 'Makes, lists and removes bearer tokens of the private API; a running bridge follows within two seconds.',
  async run(args, io) {
    const { values, positionals } = parseArguments(args, options, true);
    const [action = '', id = '', ...more] = positionals;
    if (!['create', 'list', 'remove'].includes(action) || more.length > 0 || (action === 'remove') !== (id !== '')) throw new UsageError('say create, list, or remove ID');
    if (action === 'create') newToken(values);
    const loaded = loadOrReport(values.config === undefined ? [] : ['--config', values.config], io);
    if (typeof loaded === 'number') return loaded;
    return reporting(io, async () => {
      const tokens = await openTokens(loaded.config);
      try {
        if (action === 'create') return await create(tokens, values, io);
        return action === 'list' ? await list(tokens, io) : await remove(tokens, id, io);
      } finally {
        await tokens.close();
      }
    });
  },
});
