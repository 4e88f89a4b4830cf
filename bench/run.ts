/** `npm run bench [-- drain|verdict|mass|roll|machines|machine-drain|slow-tenant|ramen|large …]`: all of them without a name; `-- --quick`: only counts of work, with limits. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const BENCHES = ['drain', 'verdict', 'mass', 'roll', 'machines', 'machine-drain', 'slow-tenant', 'ramen', 'large'];
const [name, ...args] = process.argv.slice(2);
const chosen = name === undefined ? BENCHES : name === '--quick' ? ['quick'] : BENCHES.filter((each) => each === name);
if (chosen.length === 0) {
  console.error(`There is no bench '${name}'; there are ${BENCHES.join(', ')}, and --quick`);
  process.exit(2);
}
for (const each of chosen) {
  console.log(`\n== ${each} ==`);
  const { status } = spawnSync(process.execPath, [join(import.meta.dirname, `${each}.ts`), ...args], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exitCode = 1;
}
