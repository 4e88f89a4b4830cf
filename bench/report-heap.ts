/** Imported into the program that is measured, with `--expose-gc`: on SIGUSR2 it collects garbage, and reports the remaining heap. */
process.on('SIGUSR2', () => {
  for (let round = 0; round < 3; round += 1) globalThis.gc?.();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  console.log(
    JSON.stringify({ level: 'info', msg: 'Heap after garbage collection', heapUsed, external, arrayBuffers }),
  );
});
