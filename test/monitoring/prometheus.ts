/** A Prometheus server that scrapes every second and evaluates the shipped rules, and queries to it. */
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../controlplane/ports.ts';
import { ProcessGroup, type Supervised } from '../../controlplane/processes.ts';
import { eventually } from '../../harness/wait.ts';
import { ALERTS_PATH } from './files.ts';

export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface RuleState {
  readonly name: string;
  readonly health: string;
  readonly lastError?: string;
  readonly state: string;
}

export class Prometheus {
  readonly #url: string;
  readonly #group: ProcessGroup;
  readonly #process: Supervised;

  private constructor(url: string, group: ProcessGroup, process: Supervised) {
    this.#url = url;
    this.#group = group;
    this.#process = process;
  }

  /**
   * Starts the server and waits until it answers.
   *
   * @param targets `host:port` of its targets, as job `bridge` in namespace `system`.
   */
  static async start(program: string, targets: readonly string[]): Promise<Prometheus> {
    const directory = await mkdtemp(join(tmpdir(), 'prometheus-'));
    const config = join(directory, 'prometheus.json');
    // JSON is YAML too.
    await writeFile(
      config,
      JSON.stringify({
        global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
        rule_files: [ALERTS_PATH],
        scrape_configs: [{ job_name: 'bridge', static_configs: [{ targets, labels: { namespace: 'system' } }] }],
      }),
    );
    const logs = join(directory, 'logs');
    await mkdir(logs);
    const group = new ProcessGroup(directory, logs);
    const address = `127.0.0.1:${await freePort()}`;
    const process = await group.launch('prometheus', program, [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      `--web.listen-address=${address}`,
      '--log.level=warn',
    ]);
    const prometheus = new Prometheus(`http://${address}`, group, process);
    await prometheus.#isReady();
    return prometheus;
  }

  /** The current value of each series of the expression. @throws Error with Prometheus' message if it is invalid. */
  async query(expr: string): Promise<readonly Sample[]> {
    const data = await this.#get<{ result: { metric: Record<string, string>; value: [number, string] }[] }>(
      `query?${new URLSearchParams({ query: expr })}`,
    );
    return data.result.map(({ metric, value: [, value] }) => ({ metric, value: Number(value) }));
  }

  /** The result of a dashboard's `label_values(metric, label)`. */
  async labelValues(metric: string, label: string): Promise<readonly string[]> {
    return this.#get<string[]>(`label/${label}/values?${new URLSearchParams({ 'match[]': metric })}`);
  }

  async rules(): Promise<readonly RuleState[]> {
    const { groups } = await this.#get<{ groups: { rules: RuleState[] }[] }>('rules?type=alert');
    return groups.flatMap(({ rules }) => rules);
  }

  async stop(): Promise<void> {
    await this.#group.close();
  }

  #isReady(): Promise<true> {
    return eventually(
      async () => {
        if (this.#process.ending !== undefined) {
          throw new Error(`It has ended (${this.#process.ending}): ${await this.#process.logTail()}`);
        }
        return (await fetch(`${this.#url}/-/ready`)).ok ? true : undefined;
      },
      { what: 'Prometheus to be ready', deadlineMs: 20_000 },
    );
  }

  async #get<Data>(path: string): Promise<Data> {
    const response = await fetch(`${this.#url}/api/v1/${path}`);
    const answer = (await response.json()) as { status: string; data: Data; error?: string };
    if (answer.status !== 'success') throw new Error(`Asking Prometheus for ${path}: ${answer.error}`);
    return answer.data;
  }
}
