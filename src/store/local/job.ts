import type { BridgeError } from '../../errors.js';
import type { AnyTables, Tables } from './environment.js';
import type { Changes } from './journal/frames.js';

/** Something to write. Jobs that wait at the same time are written in one transaction, in the order they came. */
export interface Job<T extends AnyTables = Tables> {
  /** `append` fails with its transaction; `settle` is kept and tried again; `upkeep` is dropped and comes again by itself. */
  readonly kind: 'append' | 'settle' | 'upkeep';
  /** Reads what it needs, right before the transaction; false: nothing to write. */
  prepare(tables: T): boolean;
  /** What `write` does, after `prepare`; undefined or absent when the journal does not take it. */
  changes?(): Changes | undefined;
  /** After `prepare`: what the journal has to take behind a transaction without what stands there; undefined or absent when it must go along. */
  changesBehind?(): Changes | undefined;
  /** Known before `prepare`: the journal will take it. */
  readonly isUsual?: boolean;
  /** Only puts and removes. */
  write(tables: T): void;
  done(): void;
  failed(error: BridgeError): void;
}
