import type { ResolveHook } from 'node:module';

const between = new URL('./store-between.js', import.meta.url).href;

/** Whoever imports lmdb gets what stands between, which itself gets the true one. */
export const resolve: ResolveHook = (specifier, context, nextResolve) =>
  specifier === 'lmdb' && context.parentURL !== between ? { url: between, shortCircuit: true } : nextResolve(specifier, context);
