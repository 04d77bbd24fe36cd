// XMLHttpRequest as far as uploads use it; the test plays the daemon.

/** What was sent, in order. Answer, break off or let progress each of them. */
export class FakeUpload extends EventTarget {
  static sent: FakeUpload[] = [];

  readonly upload = new EventTarget();
  readonly headers: Record<string, string> = {};
  path = '';
  bytes = 0;
  status = 0;
  responseText = '';
  aborted = false;

  open(method: string, path: string): void {
    this.path = `${method} ${path}`;
  }

  setRequestHeader(name: string, value: string): void {
    this.headers[name] = value;
  }

  send(body: Blob): void {
    this.bytes = body.size;
    FakeUpload.sent.push(this);
  }

  abort(): void {
    this.aborted = true;
    this.dispatchEvent(new Event('abort'));
  }

  progress(loaded: number): void {
    this.upload.dispatchEvent(Object.assign(new Event('progress'), { loaded }));
  }

  answer(status: number, body: unknown): void {
    this.status = status;
    this.responseText = JSON.stringify(body);
    this.dispatchEvent(new Event('load'));
  }

  breakOff(): void {
    this.dispatchEvent(new Event('error'));
  }
}
