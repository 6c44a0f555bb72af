import type { Environment } from '../environment.js';
import { reading, type DownlinkTables, type Writer } from './downlink-tables.js';

/** Which things of a connection still count. Connections are named by the hash of their id. */
export interface Generations {
  of(connection: Buffer): number;
  /** Begins a new generation, at once for this process. Resolves when durable. @throws BridgeError store_unavailable, stopping */
  begin(connection: Buffer): Promise<void>;
  /** Notes that something of a connection was put. */
  used(connection: Buffer): void;
  /** Connections of which something was put since start. */
  connections(): Iterable<Buffer>;
}

const prefix = 'things:';
const keyOf = (connection: string): Buffer => Buffer.from(`${prefix}${connection}`);

export const createGenerations = (environment: Environment<DownlinkTables>, writer: Writer): Generations => {
  const used = new Map<string, Buffer>();
  const generations = reading(environment, ({ meta }) => {
    const range = meta.getRange({ start: Buffer.from(prefix), end: Buffer.from(`${prefix.slice(0, -1)};`) });
    return new Map([...range].map(({ key, value }) => [key.toString('latin1', prefix.length), Number(value.toString('latin1'))] as const));
  });
  return {
    of: (connection) => generations.get(connection.toString('hex')) ?? 0,
    begin(connection) {
      const text = connection.toString('hex');
      const generation = (generations.get(text) ?? 0) + 1;
      generations.set(text, generation);
      return writer.commit({ kind: 'append', write: ({ meta }) => { void meta.put(keyOf(text), Buffer.from(String(generation))); } });
    },
    used(connection) {
      const text = connection.toString('hex');
      if (!used.has(text)) used.set(text, Buffer.from(connection));
    },
    connections: () => used.values(),
  };
};
