import { isUtf8 } from 'node:buffer';
import type { AcceptedPublish, SandboxNotice } from '../../sandbox/books.js';
import type { SandboxAddress } from '../../sandbox/sandbox.js';

/** How the sandbox tells what it does: lines of JSON for programs, or text for people. */
export interface Narrator {
  started(address: SandboxAddress): string;
  publish(publish: AcceptedPublish): string;
  notice(notice: SandboxNotice): string;
  dropped(count: number): string;
}

const jsonPayload = (payload: Buffer): object => (isUtf8(payload) ? { payload: payload.toString('utf8') } : { payloadBase64: payload.toString('base64') });

/** Only where something is signed with it. */
const accessKeyOf = ({ api, wss, accessKeyId, secretAccessKey }: SandboxAddress): object =>
  api === undefined && wss === undefined ? {} : { accessKey: { id: accessKeyId, secret: secretAccessKey } };

/** For programs: one JSON object a line. */
export const jsonNarrator: Narrator = {
  started: (address) => {
    const { host, port, caCertificate, certificate, privateKey, certificateArn, api, wss } = address;
    return JSON.stringify({ mqtt: { host, port }, caCertificate, certificate, privateKey, certificateArn, api, wss, ...accessKeyOf(address) });
  },
  publish: ({ at, clientId, topic, qos, payload }) => JSON.stringify({ event: 'publish', at, clientId, topic, qos, ...jsonPayload(payload) }),
  notice: ({ kind, ...rest }) => JSON.stringify({ event: kind, ...rest }),
  dropped: (count) => JSON.stringify({ event: 'lines-dropped', count }),
};

const signedLines = ({ api, wss, accessKeyId, secretAccessKey }: SandboxAddress): string[] => {
  if (api === undefined && wss === undefined) return [];
  return [
    ...(api === undefined ? [] : [`  API                 http://${api.host}:${api.port} (AWS IoT Core and STS, for --endpoint-url)`]),
    ...(wss === undefined ? [] : [`  MQTT over WebSocket wss://${wss.host}:${wss.port}/mqtt`]),
    `  access key          ${accessKeyId}`,
    `  secret access key   ${secretAccessKey}`,
  ];
};

const clock = (at: number): string => new Date(at).toISOString().slice(11, 23);

const noticeText = (notice: SandboxNotice): string => {
  switch (notice.kind) {
    case 'session-opened':
      return `${notice.clientId} connected (MQTT ${notice.protocolVersion === 5 ? '5' : '3.1.1'})`;
    case 'session-closed':
      return `${notice.clientId} left: ${notice.reason}`;
    case 'connect-refused':
      return `${notice.clientId || 'a client'} was not let in: ${notice.reason}`;
    case 'discarded':
      return `${notice.clientId} published on ${notice.topic}, discarded: ${notice.reason}`;
  }
};

/** For people. */
export const textNarrator: Narrator = {
  started: (address) =>
    [
      `Stand-in for AWS IoT Core on mqtts://${address.host}:${address.port}. This is not AWS: it imitates the message broker for tests and trials.`,
      `  CA certificate      ${address.caCertificate}`,
      `  client certificate  ${address.certificate}`,
      `  private key         ${address.privateKey}`,
      `  certificate ARN     ${address.certificateArn}`,
      ...signedLines(address),
    ].join('\n'),
  publish: ({ at, clientId, topic, qos, payload }) => {
    const shown = isUtf8(payload) ? payload.toString('utf8') : `${payload.toString('hex')} (hex)`;
    return `${clock(at)} ${topic} (QoS ${qos}, ${payload.length} bytes, from ${clientId})\n  ${shown}`;
  },
  notice: (notice) => `${clock(notice.at)} ${noticeText(notice)}`,
  dropped: (count) => `(${count} lines left out: nobody read them in time)`,
};
