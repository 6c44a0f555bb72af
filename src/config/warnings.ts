import { expiryWarning, readCertificate } from './certificates.js';
import type { ConnectionConfig } from './connection.js';
import type { NetworkServerConfig } from './network-server.js';
import type { Problem } from './problem.js';
import type { BridgeConfig } from './schema.js';
import { topicWarnings } from './topic-settings.js';

const certificateWarnings = (path: string, pem: string | undefined): Problem[] => {
  const message = pem === undefined ? undefined : expiryWarning(readCertificate(pem));
  return message === undefined ? [] : [{ path, message }];
};

/** What is worth a look in a network server that is right; paths start at it. */
export const networkServerWarnings = ({ authenticate }: NetworkServerConfig): Problem[] =>
  authenticate.none === true && authenticate.sources === undefined ? [{ path: 'authenticate', message: 'anybody who reaches the listener is believed' }] : [];

const patternWarnings = ({ configuration }: ConnectionConfig): Problem[] =>
  topicWarnings(configuration.uplinkTopicPattern, configuration.topicPatterns).map(({ type, placeholder }) => ({
    path: `configuration.topicPatterns.${type}`,
    message: `{${placeholder}} has no value in ${type} messages, so they would all be parked; set this pattern, or write a fallback such as {${placeholder}|'none'}`,
  }));

/** What is worth a look in a connection that is right; paths start at it. */
export const connectionWarnings = (connection: ConnectionConfig): Problem[] => [...certificateWarnings('configuration.certificate', connection.configuration.certificate), ...patternWarnings(connection)];

const under = (path: string, problems: readonly Problem[]): Problem[] => problems.map((problem) => ({ path: `${path}.${problem.path}`, message: problem.message }));

/** What is worth a look in a configuration that is right. */
export const configWarnings = ({ ingress, private: api, networkServers, connections }: BridgeConfig): Problem[] => [
  ...networkServers.flatMap((server, index) => under(`networkServers[${index}]`, networkServerWarnings(server))),
  ...certificateWarnings('ingress.tls.certificate', ingress.tls?.certificate),
  ...certificateWarnings('private.tls.certificate', api.tls?.certificate),
  ...connections.flatMap((connection, index) => under(`connections[${index}]`, connectionWarnings(connection))),
];
