import { XMLParser } from 'fast-xml-parser';
import { fastify, type FastifyInstance } from 'fastify';
import { endWhenAsked, say } from './process.js';

/** Fastify as it comes, without its logger. */
export const createHttp = (): FastifyInstance => fastify({ logger: false });

export const xmlTypes = ['application/xml', 'text/xml'];

const xml = new XMLParser();

/** Fastify parses no XML; this is the common way to. */
export const parseXml = (text: string): unknown => xml.parse(text);

/** Some network servers add a path of their own. */
export const webhookPaths = ['/in/:id', '/in/:id/*'] as const;

/** Listens on loopback and says where. */
export const serve = async (app: FastifyInstance): Promise<void> => {
  endWhenAsked();
  say({ listening: await app.listen({ host: '127.0.0.1', port: 0 }) });
};
