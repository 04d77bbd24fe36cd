// A qx-node, on libvirt's test driver unless a test says otherwise, with directories, ports and a root password of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request as requestPlain } from 'node:http';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const password = 'correct horse battery staple';
/** SHA-512-crypt of `password`. */
const passwordHash =
  '$6$quantixe2etests$0I5YJO4M8I2LNrg06Giylaybn/QuxqvQRPgkCY7gqPWoZ0PZRasSd0O4/G7Vpq8qXqhFXy6J/b0NJrr3B0fUn/';

const repo = new URL('../..', import.meta.url).pathname;
const places = ['output/programs/qx-node', 'target/release/qx-node', 'target/debug/qx-node'];
const startLimitMs = 90_000;

/** The program under test: `QX_NODE`, or the first one that has been built. */
async function program(): Promise<string> {
  for (const path of [process.env['QX_NODE'] ?? '', ...places.map((place) => join(repo, place))]) {
    const found = path !== '' && (await access(path).then(() => true, () => false));
    if (found) return path;
  }
  throw new Error('no qx-node found; build it, or name it in QX_NODE');
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}

/** `inside` is a command that makes a world for the daemon and becomes it; `boot` makes it one of a booted image. */
type World = { inside?: readonly string[]; boot?: object };

export class Daemon {
  #process: ChildProcess | null = null;
  #log = '';

  private constructor(
    readonly url: string,
    readonly directory: string,
    private readonly command: readonly [string, ...string[]],
    /** Its Unix socket, where its ports are out of reach. */
    private readonly socket: string | null,
  ) {}

  static async start(hypervisor = 'test:///default', { inside = [], boot }: World = {}): Promise<Daemon> {
    const directory = await mkdtemp(join(tmpdir(), 'qx-ui-'));
    const port = await freePort();
    const at = (name: string) => join(directory, name);
    await Promise.all(['state', 'data', 'run'].map((name) => mkdir(at(name))));
    await writeFile(at('shadow'), `root:${passwordHash}:20000:0:99999:7:::\n`, { mode: 0o600 });
    if (boot !== undefined) await writeFile(at('run/boot.json'), JSON.stringify(boot));
    const options = {
      hypervisor,
      // A network of its own may change.
      https: `${inside.length === 0 ? '127.0.0.1' : '0.0.0.0'}:${port}`,
      grpc: `127.0.0.1:${await freePort()}`,
      socket: at('run/node.sock'),
      'state-dir': at('state'),
      'data-dir': at('data'),
      'run-dir': at('run'),
      'ui-dir': join(repo, 'host-ui/dist'),
      shadow: at('shadow'),
      watchdog: at('none'),
    };
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
    const daemon = new Daemon(
      `https://127.0.0.1:${port}`,
      directory,
      [...inside, await program(), ...args] as [string, ...string[]],
      inside.length === 0 ? null : options.socket,
    );
    await daemon.run();
    return daemon;
  }

  /** Starts it, again after `kill`, and waits until it answers. */
  async run(): Promise<void> {
    const [file, ...args] = this.command;
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.on('data', (text) => (this.#log += text));
    child.stderr.on('data', (text) => (this.#log += text));
    this.#process = child;
    const deadline = Date.now() + startLimitMs;
    while (!(await this.#answers())) {
      if (child.exitCode !== null || Date.now() > deadline) throw new Error(`qx-node did not start:\n${this.#log}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Ends it as a power cut would. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (child === null || child.exitCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.directory, { recursive: true, force: true });
  }

  #answers(): Promise<boolean> {
    return new Promise((resolve) => {
      const answered = (response: IncomingMessage) => {
        response.resume();
        resolve(response.statusCode === 200);
      };
      const attempt =
        this.socket === null
          ? request(`${this.url}/healthz`, { rejectUnauthorized: false }, answered)
          : requestPlain({ socketPath: this.socket, path: '/healthz' }, answered);
      attempt.on('error', () => resolve(false));
      attempt.end();
    });
  }
}
