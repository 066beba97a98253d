/**
 * `npm start -- <arguments of finch>`: sets up what is stale, then runs the server in this same process, so that signals
 * reach it and its exit code is ours. Rule: nothing is left between npm and the server. The flag in package.json keeps the main
 * thread's young generation small: it does little, but in a crowd its garbage would make 16 MiB of it, for good.
 */

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT, setupOrExit } from './setup.mjs';

await setupOrExit();
// npm changes to the checkout's folder; the user's relative paths start where npm was called
if (process.env.npm_lifecycle_event === 'start' && process.env.INIT_CWD) process.chdir(process.env.INIT_CWD);
const main = join(ROOT, 'modules', 'server', 'dist', 'main.js');
process.argv[1] = main;
await import(pathToFileURL(main).href);
