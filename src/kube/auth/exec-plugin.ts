/**
 * Runs a kubeconfig's `exec` plugin (client-go plugin/pkg/client/auth/exec): a program that prints an ExecCredential.
 *
 * A plugin may hang, fork, or print without end, so a run has a timeout and its output a limit; callers that wait meanwhile have deadlines
 * of their own.
 */
import { spawn } from 'node:child_process';
import { z } from 'zod';
import type { Clock } from '../../core/ports.ts';
import type { ExecSettings } from './kubeconfig.ts';

/** The credential that a plugin returned. Without a token, certificate and key are set. */
export interface PluginCredential {
  readonly token: string | undefined;
  readonly cert: Buffer | undefined;
  readonly key: Buffer | undefined;
}

/** Some plugins ask a cloud provider and retry there; `kubectl` itself would wait forever. */
const RUN_TIMEOUT_MS = 60_000;
const MAX_OUTPUT_BYTES = 1024 * 1024;
const MAX_WORDS = 500;

const credentialSchema = z.object({
  apiVersion: z.string(),
  kind: z.literal('ExecCredential'),
  status: z
    .object({
      // Only characters that are valid in a header.
      token: z
        .string()
        .regex(/^[\x20-\x7e]*$/, 'must be printable ASCII')
        .nullish(),
      clientCertificateData: z.string().nullish(),
      clientKeyData: z.string().nullish(),
      expirationTimestamp: z.iso.datetime({ offset: true }).nullish(),
    })
    .refine(
      (status) => Boolean(status.token) || Boolean(status.clientCertificateData),
      'holds neither token nor certificate',
    )
    .refine(
      (status) => Boolean(status.clientCertificateData) === Boolean(status.clientKeyData),
      'holds only one of clientCertificateData and clientKeyData',
    ),
});

type Environment = Readonly<Record<string, string | undefined>>;

export class ExecPlugin {
  readonly #exec: ExecSettings;
  readonly #env: Environment;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  #credential: PluginCredential | undefined;
  #expiresAtMs = Number.POSITIVE_INFINITY;

  constructor(exec: ExecSettings, env: Environment, clock: Clock, timeoutMs = RUN_TIMEOUT_MS) {
    this.#exec = exec;
    this.#env = env;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * The plugin's answer, cached until it expires.
   *
   * @param ca of the cluster, for plugins that ask for it.
   * @throws Error with the plugin's own message, shortened, if it fails.
   */
  async credential(ca: Buffer | undefined): Promise<PluginCredential> {
    if (this.#credential !== undefined && this.#clock.now() < this.#expiresAtMs) return this.#credential;
    const { status } = this.#read(await this.#run(this.#info(ca)));
    const { token, clientCertificateData, clientKeyData, expirationTimestamp } = status;
    this.#credential = { token: token || undefined, cert: pem(clientCertificateData), key: pem(clientKeyData) };
    this.#expiresAtMs = expirationTimestamp ? Date.parse(expirationTimestamp) : Number.POSITIVE_INFINITY;
    return this.#credential;
  }

  /**
   * `KUBERNETES_EXEC_INFO`: the version of the answer and, with `provideClusterInfo`, the cluster for which the credential will be used.
   */
  #info(ca: Buffer | undefined): string {
    const { apiVersion, clusterInfo } = this.#exec;
    const cluster = clusterInfo && {
      ...clusterInfo,
      ...(ca !== undefined && { 'certificate-authority-data': ca.toString('base64') }),
    };
    return JSON.stringify({
      apiVersion,
      kind: 'ExecCredential',
      spec: { ...(cluster && { cluster }), interactive: false },
    });
  }

  #read(output: string): z.infer<typeof credentialSchema> {
    let json: unknown;
    try {
      json = JSON.parse(output);
    } catch {
      // The parser's message is left out: it quotes the output.
      throw new Error('its output is no JSON');
    }
    const credential = credentialSchema.safeParse(json);
    if (!credential.success) {
      const [issue] = credential.error.issues;
      throw new Error(
        `its ExecCredential cannot be used: ${[issue?.path.join('.'), issue?.message].filter(Boolean).join(': ')}`,
      );
    }
    const { apiVersion } = credential.data;
    if (apiVersion === this.#exec.apiVersion) return credential.data;
    throw new Error(
      `its ExecCredential is of ${JSON.stringify(apiVersion).slice(0, 100)}, wanted ${this.#exec.apiVersion}`,
    );
  }

  #run(info: string): Promise<string> {
    const { command, args, env, installHint } = this.#exec;
    const child = spawn(command, [...args], {
      env: { ...this.#env, ...env, KUBERNETES_EXEC_INFO: info },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => {
        clearTimeout(timer);
        child.kill('SIGKILL');
        // Processes that the plugin has started may hold its output open.
        child.stdout.destroy();
        child.stderr.destroy();
        reject(new Error(why));
      };
      const timer = setTimeout(() => fail(`it gave no answer within ${this.#timeoutMs / 1000} s`), this.#timeoutMs);
      let output = '';
      let words = '';
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        output += chunk;
        if (output.length > MAX_OUTPUT_BYTES) fail(`its output is larger than ${MAX_OUTPUT_BYTES} bytes`);
      });
      child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
        if (words.length < MAX_WORDS) words += chunk;
      });
      child.once('error', (error: NodeJS.ErrnoException) => {
        fail(error.code === 'ENOENT' && installHint !== undefined ? `${error.message}. ${installHint}` : error.message);
      });
      child.once('close', (code, signal) => {
        clearTimeout(timer);
        if (code === 0) resolve(output);
        else reject(new Error(words.trim() || `it ended with ${code === null ? signal : `code ${code}`}`));
      });
    });
  }
}

function pem(text: string | null | undefined): Buffer | undefined {
  return text ? Buffer.from(text) : undefined;
}
