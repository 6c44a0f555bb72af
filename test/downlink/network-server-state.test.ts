import t from 'tap';
import { createNetworkServerState, type Attempt, type FailingNetworkServer, type NetworkServerState } from '../../src/downlink/network-server-state.js';
import type { SubmitOutcome } from '../../src/messages/downlink.js';
import { accepted, busy, refusal, silence, unauthorised } from './support/test-target.js';

interface Scene {
  readonly state: NetworkServerState;
  readonly changes: (FailingNetworkServer | undefined)[];
  now: number;
}

const setScene = (random = 1, backoff = { minMs: 1_000, maxMs: 60_000 }): Scene => {
  const changes: Scene['changes'] = [];
  const scene: { state?: NetworkServerState; changes: Scene['changes']; now: number } = { changes, now: 1_000_000 };
  const state = createNetworkServerState({ networkServerId: 'factory', backoff, changed: (failing) => void changes.push(failing), now: () => scene.now, clock: () => scene.now, random: () => random });
  return Object.assign(scene, { state });
};

const begin = ({ state }: Scene): Attempt => {
  const attempt = state.begin();
  if (attempt === undefined) throw new Error('the attempt may not go');
  return attempt;
};

const attemptWith = (scene: Scene, outcome: SubmitOutcome): void => begin(scene).ended(outcome);

void t.test('a pause ends in its time when the wall clock is set back', async (t) => {
  let now = 10_000_000;
  let clock = 0;
  const state = createNetworkServerState({ networkServerId: 'factory', backoff: { minMs: 1_000, maxMs: 60_000 }, changed: () => undefined, now: () => now, clock: () => clock, random: () => 1 });
  for (let attempt = 0; attempt < 3; attempt += 1) state.begin()?.ended(busy());
  t.equal(state.failing()?.since, 10_000_000, 'a person reads the wall clock');
  now -= 3_600_000;
  t.ok(state.holdMs('a') < 2_000, 'no hour longer');
  clock += 1_000;
  t.equal(state.holdMs('a'), 0);
});

void t.test('three failures in a row make it fail, fewer or broken ones do not', async (t) => {
  const scene = setScene();
  for (const outcome of [busy(), busy(), accepted(), silence, busy(), refusal, busy(), busy({ scope: 'downlink' }), busy(), busy()]) attemptWith(scene, outcome);
  t.equal(scene.state.holdMs('a'), 0);
  t.same(scene.changes, []);
  attemptWith(scene, silence);
  t.match(scene.state.failing(), { networkServerId: 'factory', reason: 'network_server_timeout', detail: 'no answer within 10 s', since: scene.now });
  t.equal(scene.changes.length, 1);
  t.ok(scene.state.holdMs('a') > 0);
});

for (const [name, outcome] of [['a refused key', unauthorised], ['an unreachable host', busy({ counts: false })], ['Retry-After', busy({ retryAfterMs: 30_000 })]] as const) {
  void t.test(`${name} makes it fail at once`, async (t) => {
    const scene = setScene();
    attemptWith(scene, outcome);
    t.ok(scene.state.failing());
    t.equal(scene.state.begin(), undefined);
  });
}

void t.test('Retry-After is the pause, however long the backoff is', async (t) => {
  const scene = setScene();
  attemptWith(scene, busy({ retryAfterMs: 30_000 }));
  scene.now += 29_999;
  t.ok(scene.state.holdMs('a') > 0);
  scene.now += 1;
  t.equal(scene.state.holdMs('a'), 0);
});

void t.test('pauses grow to 15 s, and only one trial goes after each', async (t) => {
  const scene = setScene();
  attemptWith(scene, unauthorised);
  for (const pause of [1_000, 2_000, 4_000, 8_000, 15_000, 15_000]) {
    scene.now += pause - 1;
    t.ok(scene.state.holdMs('a') > 0, `${pause} ms are not over`);
    scene.now += 1;
    t.equal(scene.state.holdMs('a'), 0);
    const trial = begin(scene);
    t.ok(scene.state.holdMs('b') > 0, 'the others wait for the trial');
    t.equal(scene.state.begin(), undefined);
    trial.ended(unauthorised);
  }
  t.equal(scene.changes.length, 1, 'told once');
});

void t.test('the first success sets all free at once', async (t) => {
  const scene = setScene();
  attemptWith(scene, unauthorised);
  scene.now += 1_000;
  attemptWith(scene, accepted());
  t.equal(scene.state.failing(), undefined);
  t.same([scene.state.holdMs('a'), scene.state.holdMs('b'), scene.state.holdMs('c')], [0, 0, 0]);
  t.equal(scene.changes.at(-1), undefined);
  t.equal(scene.changes.length, 2);
});

void t.test('who got the trial keeps it while it asks again, and loses it when it never comes', async (t) => {
  const scene = setScene();
  attemptWith(scene, unauthorised);
  scene.now += 1_000;
  t.equal(scene.state.holdMs('a'), 0);
  t.ok(scene.state.holdMs('b') > 0);
  t.equal(scene.state.holdMs('a'), 0, 'the rate made it ask again');
  scene.now += 4_999;
  t.ok(scene.state.holdMs('b') > 0);
  scene.now += 1;
  t.equal(scene.state.holdMs('b'), 0, 'the first one was replaced, perhaps');
  t.ok(scene.state.holdMs('a') > 0);
});

void t.test('attempts that began before it failed do not lengthen the pause, but may end it', async (t) => {
  const scene = setScene();
  const early = [begin(scene), begin(scene), begin(scene)];
  attemptWith(scene, unauthorised);
  early[0]?.ended(busy());
  early[1]?.ended(unauthorised);
  scene.now += 1_000;
  t.equal(scene.state.holdMs('a'), 0, 'the pause is still the first one');
  early[2]?.ended(accepted());
  t.equal(scene.state.failing(), undefined);
});

void t.test('what has begun and has not left yet stays when the network server fails, but for the trial', async (t) => {
  const scene = setScene();
  const [first, second] = [begin(scene), begin(scene)];
  t.ok(first.mayLeave() && second.mayLeave());
  first.ended(busy({ retryAfterMs: 5_000 }));
  t.notOk(second.mayLeave(), 'Retry-After holds for it too');
  second.abandoned();
  scene.now += 5_000;
  const trial = begin(scene);
  t.ok(trial.mayLeave());
  trial.ended(accepted());
  t.ok(begin(scene).mayLeave(), 'all go again');
});

void t.test('a trial of which nothing was sent, or that is lost, makes room for the next', async (t) => {
  const scene = setScene();
  attemptWith(scene, unauthorised);
  scene.now += 1_000;
  begin(scene).abandoned();
  t.equal(scene.state.holdMs('a'), 0);
  begin(scene).ended(busy({ scope: 'downlink', counts: false }));
  t.ok(scene.state.failing(), 'it says nothing about the network server');
  t.equal(scene.state.holdMs('b'), 0);
  const lost = begin(scene);
  scene.now += 299_999;
  t.ok(scene.state.holdMs('c') > 0);
  scene.now += 1;
  t.equal(scene.state.holdMs('c'), 0);
  begin(scene).ended(accepted());
  lost.ended(unauthorised);
  t.ok(scene.state.failing(), 'what is known late counts as it would have');
});

void t.test('another reason is told, the time since when stays', async (t) => {
  const scene = setScene();
  attemptWith(scene, unauthorised);
  const since = scene.now;
  scene.now += 1_000;
  attemptWith(scene, busy());
  t.match(scene.changes, [{ reason: 'network_server_unauthorised', since }, { reason: 'network_server_busy', since }]);
});

void t.test('looks are spread, never further apart than a few seconds, and soon after a near end', async (t) => {
  for (const random of [0, 0.5, 0.999]) {
    const scene = setScene(random);
    attemptWith(scene, busy({ retryAfterMs: 3_600_000 }));
    const far = scene.state.holdMs('a');
    t.ok(far >= 2_000 && far <= 4_000, `far: ${far}`);
    scene.now += 3_599_000;
    const near = scene.state.holdMs('a');
    t.ok(near >= 1_000 && near <= 1_250, `near: ${near}`);
    scene.now += 1_000;
    scene.state.holdMs('a');
    const other = scene.state.holdMs('b');
    t.ok(other >= 1_000 && other <= 2_000, `behind a trial: ${other}`);
  }
});

void t.test('silence: many without any answer hold the rest, an answer lets it go on', async (t) => {
  const scene = setScene(0.5);
  const out = Array.from({ length: 8 }, () => begin(scene));
  scene.now += 2_000;
  t.equal(scene.state.holdMs('a'), 0, 'not yet');
  scene.now += 1;
  t.equal(scene.state.holdMs('a'), 250);
  t.equal(scene.state.failing(), undefined, 'slow is not failing');
  out[0]?.ended(accepted());
  for (let more = 0; more < 8; more += 1) begin(scene);
  t.equal(scene.state.holdMs('a'), 0);
  scene.now += 2_001;
  t.ok(scene.state.holdMs('a') > 0);
});

void t.test('no more go than there are connections; each that ends makes room', async (t) => {
  const scene = setScene(0.5);
  const out = Array.from({ length: 64 }, () => begin(scene));
  t.equal(scene.state.begin(), undefined);
  t.equal(scene.state.holdMs('a'), 250);
  t.equal(scene.state.failing(), undefined);
  out[0]?.ended(accepted());
  t.equal(scene.state.holdMs('a'), 0);
  begin(scene);
  out[1]?.abandoned();
  begin(scene);
  t.equal(scene.state.begin(), undefined);
});

void t.test('a few slow ones are no silence', async (t) => {
  const scene = setScene();
  for (let count = 0; count < 7; count += 1) begin(scene);
  scene.now += 60_000;
  t.equal(scene.state.holdMs('a'), 0);
});
