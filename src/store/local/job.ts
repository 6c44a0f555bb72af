import type { BridgeError } from '../../errors.js';
import type { AnyTables, Tables } from './environment.js';

/** Something to write. Jobs that wait at the same time are written in one transaction, in the order they came. */
export interface Job<T extends AnyTables = Tables> {
  /** `append` fails with its transaction; `settle` is kept and tried again; `upkeep` is dropped and comes again by itself. */
  readonly kind: 'append' | 'settle' | 'upkeep';
  /** Reads what it needs, right before the transaction; false: nothing to write. */
  prepare(tables: T): boolean;
  /** Only puts and removes. */
  write(tables: T): void;
  done(): void;
  failed(error: BridgeError): void;
}
