/**
 * `npm run image:rootfs`: builds the root file system of the image without a container engine, in dist/rootfs. The image's additions to its
 * base are read from the Dockerfile; the base itself (libraries, certificates, the user) comes from this machine. With `--run [--
 * ARGUMENT…]` it then runs the image's entry point in it, read-only and as the image's user. Linux only; running requires root.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { canRun } from '../controlplane/binaries.ts';
import { type Copy, copiesOf, lastOf, parseDockerfile, type Stage, variablesOf, wordsOf } from './dockerfile.ts';

const ROOT = resolve(import.meta.dirname, '..');
const ROOTFS = join(ROOT, 'dist/rootfs');
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';
/** Where Kubernetes mounts the credentials of a Pod's service account. */
const ACCOUNT_MOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
/** A container runtime creates these in any image: they have to exist before the root is read-only. */
const MOUNT_POINTS = ['/proc', '/dev', ACCOUNT_MOUNT];

const NODE = '/usr/local/bin/node';
const SOURCE_FOLDER = '/src/';

/** The last stage of the Dockerfile: the image. */
export function imageStage(): Stage {
  const stage = parseDockerfile(readFileSync(join(ROOT, 'Dockerfile'), 'utf8')).stages.at(-1);
  if (stage === undefined) throw new Error('The Dockerfile has no stage');
  return stage;
}

/**
 * Builds the root file system. `npm run build` has to run before.
 *
 * @param directory absolute; its content is removed.
 * @throws Error if a file that the Dockerfile copies does not exist here, or has no counterpart here.
 */
export function makeRootfs(directory: string, stage: Stage = imageStage()): void {
  rmSync(directory, { recursive: true, force: true });
  for (const copy of copiesOf(stage)) put(directory, localSourceOf(copy), targetOf(copy));
  for (const library of librariesOf(localNode())) put(directory, realpathSync(library), library);
  if (existsSync(CERTIFICATES)) put(directory, realpathSync(CERTIFICATES), CERTIFICATES);
  const [user, group] = (lastOf(stage, 'USER') ?? '').split(':');
  mkdirSync(join(directory, 'etc'), { recursive: true });
  writeFileSync(
    join(directory, 'etc/passwd'),
    `root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:${user}:${group}:nonroot:/home/nonroot:/sbin/nologin\n`,
  );
  writeFileSync(join(directory, 'etc/group'), `root:x:0:\nnonroot:x:${group}:\n`);
  for (const point of MOUNT_POINTS) mkdirSync(join(directory, point), { recursive: true });
  mkdirSync(join(directory, 'tmp'));
  chmodSync(join(directory, 'tmp'), 0o1777);
}

function put(directory: string, source: string, target: string): void {
  mkdirSync(dirname(join(directory, target)), { recursive: true });
  cpSync(source, join(directory, target));
}

function targetOf({ source, target }: Copy): string {
  return target.endsWith('/') ? join(target, basename(source)) : target;
}

function localSourceOf({ from, source }: Copy): string {
  const local =
    from === 'runtime' && source === NODE
      ? localNode()
      : from === 'build' && source.startsWith(SOURCE_FOLDER)
        ? join(ROOT, source.slice(SOURCE_FOLDER.length))
        : undefined;
  if (local === undefined)
    throw new Error(`The Dockerfile copies ${source} from ${from}, which has no counterpart here`);
  if (!existsSync(local)) throw new Error(`${local} does not exist: run npm run build first`);
  return local;
}

/** The same version as in the image, since both are pinned. */
function localNode(): string {
  return realpathSync(join(ROOT, 'node_modules/node/bin/node'));
}

/** Paths of the shared libraries that a program is linked with, and of the linker itself. */
function librariesOf(program: string): readonly string[] {
  const listed = execFileSync('ldd', [program], { encoding: 'utf8' });
  return listed.split('\n').flatMap((line) => /(?:=>\s+|^\s+)(\/\S+)\s+\(0x/.exec(line)?.[1] ?? []);
}

export interface CommandLine {
  readonly file: string;
  readonly args: readonly string[];
  /** The variables that the image sets. */
  readonly env: Readonly<Record<string, string>>;
}

export interface RunOptions {
  /** A folder of this machine that replaces the service account's. */
  readonly account?: string;
  /** @default the image's `CMD` */
  readonly args?: readonly string[];
}

/**
 * The command that runs the image's entry point: in separate mounts, the root read-only, as the image's user, without a way to more
 * rights. Each step replaces the process of the one before, so that signals reach the product.
 */
export function commandIn(directory: string, { account, args }: RunOptions = {}, stage = imageStage()): CommandLine {
  const script = `set -eu
root=$1 user=$2 account=$3
shift 3
mount --bind "$root" "$root"
mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
if [ -n "$account" ]; then mount --bind "$account" "$root${ACCOUNT_MOUNT}"; fi
mount -o remount,bind,ro "$root"
exec setpriv --no-new-privs chroot --userspec="$user" --groups= "$root" "$@"`;
  const words = [...wordsOf(stage, 'ENTRYPOINT'), ...(args ?? wordsOf(stage, 'CMD'))];
  const user = lastOf(stage, 'USER') ?? '';
  return {
    file: 'unshare',
    args: ['--mount', '--propagation=private', 'sh', '-c', script, 'rootfs', directory, user, account ?? '', ...words],
    env: variablesOf(stage),
  };
}

/** Why nothing can be run in a root file system here; undefined if it can. */
export function whyNotRunnable(): string | undefined {
  if (process.platform !== 'linux') return `it takes Linux, and this is ${process.platform}`;
  if (process.getuid?.() !== 0) return 'it takes root, to mount and to change the root folder';
  const missing = ['unshare', 'setpriv', 'chroot'].find((program) => !canRun(program, ['--version']));
  if (missing !== undefined) return `${missing} is not on the PATH`;
  const { status, error, stderr } = spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'none', '/mnt'], {
    encoding: 'utf8',
  });
  if (status === 0) return undefined;
  return `mounting is refused: ${(error?.message ?? stderr).trim()}`;
}

if (import.meta.main) {
  const [flag, separator, ...rest] = process.argv.slice(2);
  if ((flag !== undefined && flag !== '--run') || (separator !== undefined && separator !== '--')) {
    console.error('Usage: npm run image:rootfs [-- --run [-- ARGUMENT…]]');
    process.exit(2);
  }
  execFileSync(process.execPath, [join(ROOT, 'scripts/build.ts')], { stdio: 'inherit' });
  makeRootfs(ROOTFS);
  const size = execFileSync('du', ['-sm', ROOTFS], { encoding: 'utf8' }).split('\t')[0];
  console.log(`dist/rootfs: ${size} MiB`);
  if (flag === '--run') {
    const reason = whyNotRunnable();
    if (reason !== undefined) {
      console.error(`Cannot run it here: ${reason}.`);
      process.exit(1);
    }
    const { file, args, env } = commandIn(ROOTFS, separator === undefined ? {} : { args: rest });
    process.exitCode = spawnSync(file, args, { stdio: 'inherit', env: { ...process.env, ...env } }).status ?? 1;
  }
}
