import type { FastifyInstance } from 'fastify';
import { connectorIds } from '../../../config/connection.js';
import { BridgeError } from '../../../errors.js';
import type { JsonObject } from '../../ports.js';
import { listOf, object, text, type Schema } from '../../schemas.js';
import { newDocumentSchema } from './document-schema.js';

const tags = ['connectors'];

const texts: Readonly<Record<(typeof connectorIds)[number], { readonly name: string; readonly description: string }>> = {
  'aws-iot': { name: 'AWS IoT Core', description: 'Messages in one shape for all network servers.' },
  'actility-aws-iot': { name: 'AWS IoT Core, as ThingPark X IoT Flow', description: 'The same with the defaults of ThingPark X IoT Flow: the body of the network server, byte for byte.' },
};

const connectorSchema: Schema = object({
  id: text('`connectorId` of its connections.', { enum: [...connectorIds] }),
  name: text('For people.'),
  description: text('What it is.'),
  schema: { type: 'object', additionalProperties: true, description: 'JSON Schema (2020-12) of a connection of this kind.' },
});

/** The schema of a connection, with the one connector that it is about. */
const schemaFor = (id: string): Schema => {
  const schema = newDocumentSchema('connection');
  const properties = schema['properties'] as JsonObject;
  return { ...schema, properties: { ...properties, connectorId: { ...(properties['connectorId'] as JsonObject), const: id } } };
};

/** The kinds of connections, each with the JSON Schema of its document. */
export const registerConnectorRoutes = (app: FastifyInstance): void => {
  const connectors = connectorIds.map((id) => ({ id, ...texts[id], schema: schemaFor(id) }));

  app.route({
    method: 'GET',
    url: '/connectors',
    config: { role: 'read' },
    schema: { tags, operationId: 'listConnectors', summary: 'List the kinds of connections', description: 'Each with the JSON Schema of its connections.', response: { 200: object({ connectors: listOf(connectorSchema, 'The kinds.') }, [], { description: 'The kinds of connections.' }) } },
    handler: async () => ({ connectors }),
  });

  app.route<{ Params: { id: string } }>({
    method: 'GET',
    url: '/connectors/:id',
    config: { role: 'read' },
    schema: {
      tags,
      operationId: 'getConnector',
      summary: 'Show a kind of connections',
      description: 'With the JSON Schema of its connections.',
      params: object({ id: text('Its id.', { minLength: 1, maxLength: 64, examples: ['actility-aws-iot'] }) }),
      response: { 200: { ...connectorSchema, description: 'The kind.' } },
    },
    async handler({ params }) {
      const connector = connectors.find(({ id }) => id === params.id);
      if (connector === undefined) throw new BridgeError('unknown_resource', { detail: 'there is no such connector; GET /connectors lists them' });
      return connector;
    },
  });
};
