// A serial line's bytes over a WebSocket. Knows no terminal.
import { type Attach, ConsoleConnection } from './connection';

/** What is typed while there is no line is lost, as on a real one. */
export class SerialLine {
  readonly connection: ConsoleConnection;
  #socket: WebSocket | null = null;

  constructor(
    vmId: string,
    private readonly onOutput: (bytes: Uint8Array) => void,
    /** A new connection begins with what the host kept, which may be on the screen already. */
    private readonly onFresh: () => void,
  ) {
    this.connection = new ConsoleConnection(vmId, 'serial', this.#attach);
  }

  send(text: string): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(new TextEncoder().encode(text));
  }

  readonly #attach: Attach = (url, told) => {
    const socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('open', () => {
      this.onFresh();
      told.opened();
    });
    socket.addEventListener('message', ({ data }) => {
      if (data instanceof ArrayBuffer) this.onOutput(new Uint8Array(data));
    });
    socket.addEventListener('close', () => told.closed());
    this.#socket = socket;
    return () => socket.close();
  };
}
