// Runs several compiled test files in one process: of a short one the start of a process is the largest part. They are named in
// TEST_FILES, with a line each, since tap makes a name of the arguments, and folders of it.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

for (const path of (process.env.TEST_FILES ?? '').split('\n')) await import(pathToFileURL(resolve(path)).href);
