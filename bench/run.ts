/** `npm run bench [-- drain|verdict|machines …]`: all of them without a name. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const BENCHES = ['drain', 'verdict', 'machines'];
const [name, ...args] = process.argv.slice(2);
const chosen = name === undefined ? BENCHES : BENCHES.filter((each) => each === name);
if (chosen.length === 0) {
  console.error(`There is no bench '${name}'; there are ${BENCHES.join(', ')}`);
  process.exit(2);
}
for (const each of chosen) {
  console.log(`\n== ${each} ==`);
  const { status } = spawnSync(process.execPath, [join(import.meta.dirname, `${each}.ts`), ...args], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exitCode = 1;
}
