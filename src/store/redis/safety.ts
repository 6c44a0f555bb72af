import type { Redis } from 'ioredis';

const valueOf = (info: string, name: string): string | undefined => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];

/** What must be set at a Redis before downlinks are safe in it, from its INFO; `undefined` when all is well. */
export const unsafeSetting = (info: string): string | undefined => {
  const policy = valueOf(info, 'maxmemory_policy');
  const wrong = [
    // Any other policy deletes waiting downlinks when memory runs short.
    ...(policy === 'noeviction' ? [] : [`maxmemory-policy noeviction (it is ${policy ?? 'unknown'})`]),
    // Without the append-only file a restart of Redis forgets everything since its last snapshot.
    ...(valueOf(info, 'aof_enabled') === '1' ? [] : ['appendonly yes']),
  ];
  return wrong.length === 0 ? undefined : `Redis must be set to: ${wrong.join('; ')}`;
};

/** When Redis writes its append-only file to the disk (`appendfsync`), or `undefined` where its user may not ask. */
export const syncPolicyOf = async (server: Redis): Promise<string | undefined> => {
  try {
    return ((await server.config('GET', 'appendfsync')) as readonly string[])[1];
  } catch (error) {
    // Managed services have no CONFIG at all. What is wrong with the connection shows at the next command.
    if (error instanceof Error && /^NOPERM|unknown command/i.test(error.message)) return undefined;
    throw error;
  }
};
