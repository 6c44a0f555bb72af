import { once } from 'node:events';
import { Writable } from 'node:stream';
import t from 'tap';
import { createLineWriter } from '../../src/sandbox/line-writer.js';

/** A stream that takes a chunk only when it is told to. */
class SlowStream extends Writable {
  readonly chunks: string[] = [];
  #take: (() => void) | undefined;

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.chunks.push(chunk.toString());
    this.#take = done;
    this.emit('offered');
  }

  take(): void {
    this.#take?.();
  }
}

const dropped = (count: number): string => `dropped ${count}`;

void t.test('the lines of one turn are one write', async (t) => {
  const stream = new SlowStream();
  const writer = createLineWriter(stream, dropped);
  writer.write('a');
  writer.write('b');
  await once(stream, 'offered');
  t.same(stream.chunks, ['a\nb\n']);
});

void t.test('lines past the backlog are dropped, and said to be', async (t) => {
  const stream = new SlowStream();
  const writer = createLineWriter(stream, dropped);
  const long = 'x'.repeat(9 * 1024 * 1024);
  writer.write(long);
  writer.write(long);
  writer.write('lost 1');
  writer.write('lost 2');
  await once(stream, 'offered');
  const drained = once(stream, 'drain');
  stream.take();
  await drained;
  writer.write('kept');
  await once(stream, 'offered');
  t.equal(stream.chunks[1], 'dropped 2\nkept\n');
});

void t.test('end waits until the stream took the last line', async (t) => {
  const stream = new SlowStream();
  const writer = createLineWriter(stream, dropped);
  writer.write('a');
  let ended = false;
  const ending = writer.end().then(() => (ended = true));
  t.same(stream.chunks, ['a\n']);
  await new Promise((resolve) => setImmediate(resolve));
  t.notOk(ended);
  stream.take();
  await ending;
  t.ok(ended);
});
