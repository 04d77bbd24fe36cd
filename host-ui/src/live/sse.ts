// Splits a `text/event-stream` into messages as its bytes arrive. Pure: no network, no timers. Read by
// hand rather than through EventSource, which hides the HTTP status and the keep-alive comments.
// Format: WHATWG HTML, "Server-sent events".

export type ServerSentEvent = { event: string; data: string; id: string };

/** Feed it decoded text in any portions; it answers the messages that became complete. */
export class SseParser {
  #rest = '';
  #event = '';
  #data: string[] = [];
  #id = '';

  push(chunk: string): ServerSentEvent[] {
    const lines = (this.#rest + chunk).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? '';
    return lines.flatMap((line) => this.#line(line));
  }

  #line(line: string): ServerSentEvent[] {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    if (colon === 0) return [];
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.#event = value;
    else if (field === 'data') this.#data.push(value);
    else if (field === 'id') this.#id = value;
    return [];
  }

  #dispatch(): ServerSentEvent[] {
    const message = { event: this.#event || 'message', data: this.#data.join('\n'), id: this.#id };
    const complete = this.#data.length > 0;
    this.#event = '';
    this.#data = [];
    return complete ? [message] : [];
  }
}
