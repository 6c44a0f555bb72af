import { BridgeError } from '../../errors.js';
import type { RegistryClient } from './registry-client.js';
import { isNotFound } from './registry-error.js';

/** Runs a call that names the thing type; when AWS has no such type, makes it and runs the call again. */
export type WithThingType = <T>(call: () => Promise<T>) => Promise<T>;

const withWords = (error: unknown, typeName: string): unknown => {
  if (!(error instanceof BridgeError) || error.reason !== 'registry_forbidden') return error;
  return new BridgeError(error.reason, { detail: `the thing type ${typeName} does not exist, and ${error.message}`, cause: error });
};

/**
 * The type is not looked up: that would ask for one permission more, and usually it is there. Callers at the same time share its making.
 * @param made Called once after the type was made.
 */
export const createWithThingType = (registry: RegistryClient, typeName: string | undefined, made: () => void): WithThingType => {
  let making: Promise<void> | undefined;

  const make = async (name: string): Promise<void> => {
    try {
      await registry.createThingType(name);
      made();
    } catch (error) {
      throw withWords(error, name);
    } finally {
      making = undefined;
    }
  };

  return async (call) => {
    try {
      return await call();
    } catch (error) {
      if (typeName === undefined || !isNotFound(error)) throw error;
      making ??= make(typeName);
      await making;
      return call();
    }
  };
};
