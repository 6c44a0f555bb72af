import { messageOf } from '../../../src/errors.js';
import { lockDataDir } from '../../../src/store/local/data-dir-lock.js';

/** A process of its own for tests: `hold-lock.js DATADIR` takes the lock, says so, and holds it until its stdin ends. */
const outcome = await lockDataDir(process.argv[2] ?? '').catch((error: unknown) => messageOf(error));
process.stdout.write(typeof outcome === 'string' ? `refused: ${outcome}\n` : 'locked\n');
if (typeof outcome !== 'string') process.stdin.resume().once('end', () => void outcome.release());
