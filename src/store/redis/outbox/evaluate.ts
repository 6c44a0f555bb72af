import { PackedCommand } from './packed-command.js';
import type { RedisLink } from '../redis-link.js';
import type { Argument, Script } from '../script.js';

/** Calls scripts on the keys of one bridge, with as many arguments as there may be: a call of a function takes fewer. */
export interface Evaluate {
  /** The texts of the answer are strings. @throws as the link */
  text(script: Script, args: readonly Argument[]): Promise<unknown>;
  /** The texts of the answer are buffers, for what is no text. @throws as the link */
  bytes(script: Script, args: readonly Argument[]): Promise<unknown>;
}

export const createEvaluate = (link: Pick<RedisLink, 'run'>, tag: string): Evaluate => {
  const call = (replyEncoding: 'utf8' | null, { sha, lua }: Script, args: readonly Argument[]): Promise<unknown> =>
    link.run(async (client) => {
      const send = (name: 'evalsha' | 'eval', script: string): unknown => client.sendCommand(new PackedCommand(name, [script, 1, `${tag}:`, ...args], { replyEncoding }));
      try {
        return await send('evalsha', sha);
      } catch (error) {
        if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
        return send('eval', lua);
      }
    });
  return {
    text: (script, args) => call('utf8', script, args),
    bytes: (script, args) => call(null, script, args),
  };
};
