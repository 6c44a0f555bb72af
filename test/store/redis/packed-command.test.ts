import { Command } from 'ioredis';
import t from 'tap';
import { PackedCommand } from '../../../src/store/redis/outbox/packed-command.js';

type Arguments = (string | number | Buffer)[];

/** What ioredis itself would send. */
const usual = (name: string, args: Arguments): string => Buffer.from(new Command(name, [...args]).toWritable({})).toString('hex');
const packed = (name: string, args: Arguments): string => new PackedCommand(name, [...args]).toWritable().toString('hex');

void t.test('a packed command is the same on the wire, byte for byte', async (t) => {
  const cases: Readonly<Record<string, Arguments>> = {
    'no arguments': [],
    texts: ['a', '', 'b c'],
    numbers: [0, -1, 1.5, 2 ** 40],
    'texts of several bytes': ['über', '€', '😀', '\ud800'],
    buffers: [Buffer.from([0, 13, 10, 255]), Buffer.alloc(0), Buffer.alloc(5_000, 7)],
    'buffers between texts': ['x', Buffer.from('y'), Buffer.from('z'), 'ü', Buffer.alloc(0), 3],
  };
  for (const [what, args] of Object.entries(cases)) t.equal(packed('evalsha', args), usual('evalsha', args), what);
});
