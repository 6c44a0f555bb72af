/** One bridge as two processes on one port: both take webhooks, what one knows the other knows, and one that is killed comes back by itself. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { createServer } from 'node:net';
import t, { type Test } from 'tap';
import { freePorts } from '../support/free-port.js';
import { startRedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';
import { createHome } from './support/bridge.js';
import { startSandbox, type TestBroker } from './support/broker.js';
import { devEuiOf, uplinkBody } from './support/load.js';
import { startBridgeProgram, type Line, type Program } from './support/program.js';

interface Workers {
  readonly broker: TestBroker;
  readonly program: Program;
  readonly ingress: string;
  /** Of worker 1; the next one is worker 2's. */
  readonly privatePort: number;
}

const isReady = (number: number) => (line: Line): boolean => line['msg'] === 'ready' && line['worker'] === number;

/** Starts the same ones again where they were. */
type Restart = () => Promise<Workers>;

const startWorkers = async (t: Test): Promise<{ readonly workers: Workers; readonly restart: Restart }> => {
  const [broker, redis, privatePort] = await Promise.all([startSandbox(), startRedisServer(), freePorts(2)]);
  t.teardown(() => broker.stop());
  t.teardown(() => redis.stop());
  const more = { redis: { url: redis.url }, secrets: { key: randomBytes(32).toString('base64') }, outbox: { store: 'redis' }, private: { host: '127.0.0.1', port: privatePort } };
  const home = await createHome(broker, {}, more);
  t.teardown(() => home.remove());
  const restart = async (): Promise<Workers> => {
    const { REDIS_URL: _elsewhere, ...env } = process.env;
    const program = startBridgeProgram(['start', '--config', home.file, '--workers', '2'], env);
    t.teardown(async () => {
      program.signal('SIGTERM');
      await program.ended;
    });
    const ready = await Promise.all([1, 2].map((number) => program.waitFor(`worker ${number}`, isReady(number))));
    t.equal(ready[0]?.['ingress'], ready[1]?.['ingress'], 'one port for the webhooks');
    t.strictSame(ready.map((line) => line['private']), [`http://127.0.0.1:${privatePort}`, `http://127.0.0.1:${privatePort + 1}`]);
    return { broker, program, ingress: String(ready[0]?.['ingress']), privatePort };
  };
  return { workers: await restart(), restart };
};

/** A sender gives up after so long, as network servers do: the connection that is being handed to a worker while that is killed is left to its sender. */
const patienceMs = 5_000;

/** On a connection of its own, which goes to whichever worker is next. Resolves with the status; 0 when there was none. */
const post = ({ ingress }: Workers, body: string): Promise<number> =>
  new Promise((resolve) => {
    const call = request(`${ingress}/in/chirpstack?event=up`, { method: 'POST', agent: false, timeout: patienceMs, headers: { 'content-type': 'application/json' } }, (answer) => {
      answer.resume().once('end', () => resolve(answer.statusCode ?? 0));
    });
    call.once('timeout', () => call.destroy(new Error('no answer')));
    call.once('error', () => resolve(0));
    call.end(body);
  });

const metric = async ({ privatePort }: Workers, worker: number, name: string): Promise<number> => {
  const text = await (await fetch(`http://127.0.0.1:${privatePort + worker - 1}/metrics`)).text();
  return text.split('\n').filter((line) => line.startsWith(`${name}{`)).reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
};

const isGone = (pid: number): boolean => {
  try {
    return !process.kill(pid, 0);
  } catch {
    return true;
  }
};

const accepted = 'lpwan_bridge_outbox_accepted_total';

const bodies = (from: number, count: number): readonly string[] => Array.from({ length: count }, (_, index) => uplinkBody(devEuiOf(from + index), 1));

void t.test('two workers on one port', async (t) => {
  const { workers, restart } = await startWorkers(t);
  const { broker, program } = workers;

  await t.test('both take webhooks, and a copy to the other one is dropped', async (t) => {
    const first = bodies(1, 40);
    t.ok((await Promise.all(first.map((body) => post(workers, body)))).every((status) => status === 204));
    await broker.received.until('all of them', (all) => all.length >= 40);
    for (const worker of [1, 2]) t.ok((await metric(workers, worker, accepted)) > 0, `worker ${worker} took some`);
    t.equal((await metric(workers, 1, accepted)) + (await metric(workers, 2, accepted)), 40);
    // One more first, so that each copy meets the other worker than the original did.
    t.equal(await post(workers, uplinkBody(devEuiOf(99), 1)), 204);
    for (const body of first) t.equal(await post(workers, body), 204);
    await broker.received.until('the one more', (all) => all.length >= 41);
    t.equal((await metric(workers, 1, accepted)) + (await metric(workers, 2, accepted)), 41, 'no copy was taken for a new message');
  });

  await t.test('one that is killed starts again, and what it had accepted arrives', async (t) => {
    const pid = Number(program.lines.find((line) => line['msg'] === 'worker started' && line['worker'] === 2)?.['pid']);
    const answers = bodies(100, 40).map((body) => post(workers, body));
    await answers[0];
    process.kill(pid, 'SIGKILL');
    await program.waitFor('its end', (line) => line['msg'] === 'worker ended by itself, starts again' && line['worker'] === 2 && line['signal'] === 'SIGKILL');
    await until('it to be ready again', () => program.lines.filter(isReady(2)).length === 2);
    const statuses = await Promise.all(answers);
    const expected = new Set(bodies(100, 40).flatMap((_, index) => (statuses[index] === 204 ? [devEuiOf(100 + index).toUpperCase()] : [])));
    t.ok(expected.size > 0);
    await broker.received.until('every one that was answered', (all) => {
      const seen = new Set(all.map(({ topic }) => topic.split('/')[2]));
      return [...expected].every((devEui) => seen.has(devEui));
    });
    const before = await metric(workers, 2, accepted);
    for (const body of bodies(200, 10)) t.equal(await post(workers, body), 204);
    t.ok((await metric(workers, 2, accepted)) > before, 'it takes webhooks again');
  });

  await t.test('one that is told to stop comes back too', async () => {
    const pid = Number(program.lines.filter((line) => line['msg'] === 'worker started' && line['worker'] === 1).at(-1)?.['pid']);
    process.kill(pid, 'SIGTERM');
    await until('it to be ready again', () => program.lines.filter(isReady(1)).length === 2);
  });

  await t.test('SIGTERM to the parent ends both in good order', async (t) => {
    program.signal('SIGTERM');
    t.equal(await program.ended, 0);
    for (const worker of [1, 2]) t.ok(program.lines.some((line) => line['msg'] === 'stopped' && line['worker'] === worker), `worker ${worker}`);
  });

  await t.test('they end with their parent when that is killed', async (t) => {
    const again = await restart();
    const pids = again.program.lines.filter((line) => line['msg'] === 'worker started').map((line) => Number(line['pid']));
    again.program.signal('SIGKILL');
    t.equal(await again.program.ended, 'SIGKILL');
    for (const pid of pids) await until('the end of a worker', () => isGone(pid));
    t.equal(await post(again, uplinkBody(devEuiOf(1), 1)), 0, 'nobody listens any more');
  });
});

void t.test('workers that cannot start end all of them', async (t) => {
  const [broker, redis, privatePort] = await Promise.all([startSandbox(), startRedisServer(), freePorts(2)]);
  t.teardown(() => broker.stop());
  t.teardown(() => redis.stop());
  const taken = createServer().listen(privatePort + 1, '127.0.0.1');
  await once(taken, 'listening');
  t.teardown(() => taken.close());
  const home = await createHome(broker, {}, { redis: { url: redis.url }, private: { host: '127.0.0.1', port: privatePort } });
  t.teardown(() => home.remove());
  const program = startBridgeProgram(['start', '--config', home.file, '--workers', '2']);
  t.equal(await program.ended, 1);
  t.ok(program.lines.some((line) => line['worker'] === 2 && line['msg'] === 'start failed' && String(line['detail']).includes(String(privatePort + 1))), 'and say which one, and why');
});
