// Sends a file, or a part of one, as the body of a PUT and tells how far it is. Through XMLHttpRequest,
// because fetch reports no upload progress. Knows no endpoint.
import { problemFrom, UnreachableError } from '@/api/problem';
import { csrfToken, sessionRefused } from '@/session/store';

type Options = {
  headers?: Readonly<Record<string, string>>;
  /** Bytes of `body` that are on their way. */
  onProgress: (sentBytes: number) => void;
  signal: AbortSignal;
};

/** The person cancelled it. */
export class UploadCancelled extends Error {
  override readonly name = 'UploadCancelled';
}

/** Resolves with the answer once the daemon has taken the whole body, which is read as it is sent. */
export function putFile(path: string, body: Blob, { headers = {}, onProgress, signal }: Options): Promise<unknown> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(new UploadCancelled('cancelled'));
    const request = new XMLHttpRequest();
    request.open('PUT', path);
    request.setRequestHeader('Content-Type', 'application/octet-stream');
    request.setRequestHeader('X-CSRF-Token', csrfToken() ?? '');
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener('progress', (event) => onProgress(event.loaded));
    request.addEventListener('load', () => {
      const answer = parsed(request.responseText);
      if (request.status >= 200 && request.status < 300) return resolve(answer);
      if (request.status === 401) sessionRefused();
      return reject(problemFrom(request.status, answer));
    });
    request.addEventListener('error', () => reject(new UnreachableError('the upload broke off')));
    request.addEventListener('abort', () => reject(new UploadCancelled('cancelled')));
    signal.addEventListener('abort', () => request.abort(), { once: true });
    request.send(body);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
