import type { MqttClient } from 'mqtt';
import type { BrokerAddress } from '../broker.js';
import { bodyOf, deviceIdOf } from '../bodies.js';
import { nowMicros } from '../clock.js';
import { settings } from './process.js';
import { openSessions } from './sessions.js';
import { measureWindow } from './window.js';

// Ceiling (c): MQTT.js publishing at QoS 1 and nothing else.

interface Settings {
  readonly broker: BrokerAddress;
  readonly seconds: number;
}

/** The in-flight limit of AWS IoT Core for one session, and the bridge's default. */
const inFlight = 100;
/** Enough that the broker does not see one topic all the time. */
const devices = 1_000;

const { broker, seconds } = settings<Settings>();
const messages = Array.from({ length: devices }, (_, device) => ({
  topic: `tpx/things/${deviceIdOf('chirpstack', device)}/uplink`,
  payload: Buffer.from(bodyOf('chirpstack', { device, frame: 0, sentMicros: nowMicros() })),
}));
let turn = 0;
let acknowledged = 0;

const publishNext = (client: MqttClient): void => {
  turn = (turn + 1) % messages.length;
  const message = messages[turn];
  if (message === undefined) return;
  client.publish(message.topic, message.payload, { qos: 1 }, (error) => {
    if (error) throw error;
    acknowledged += 1;
    publishNext(client);
  });
};

for (const client of await openSessions(broker)) for (let count = 0; count < inFlight; count += 1) publishNext(client);
await measureWindow(seconds, () => acknowledged);
