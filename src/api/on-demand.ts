import type { FastifyInstance } from 'fastify';

/** An app beside another one that is made when it is first asked for, again when that failed, and closed with the other one. */
export const onDemand = (app: FastifyInstance, make: () => Promise<FastifyInstance>): (() => Promise<FastifyInstance>) => {
  let made: Promise<FastifyInstance> | undefined;
  app.addHook('onClose', async () => {
    await (await made)?.close();
  });
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
};
