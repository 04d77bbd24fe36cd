// Sends one file into the image library and tells how far it is. Through XMLHttpRequest, because fetch
// reports no upload progress.
import { problemFrom, UnreachableError } from '@/api/problem';
import { csrfToken, sessionRefused } from '@/session/store';

type Options = { onProgress: (sentBytes: number) => void; signal: AbortSignal };

/** The person cancelled it. */
export class UploadCancelled extends Error {
  override readonly name = 'UploadCancelled';
}

/** Resolves once the library has the whole file under `name`; the file is read as it is sent. */
export function uploadImage(file: File, name: string, { onProgress, signal }: Options): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('PUT', `/api/v1/images/${encodeURIComponent(name)}`);
    request.setRequestHeader('Content-Type', 'application/octet-stream');
    request.setRequestHeader('X-CSRF-Token', csrfToken() ?? '');
    request.upload.addEventListener('progress', (event) => onProgress(event.loaded));
    request.addEventListener('load', () => {
      if (request.status >= 200 && request.status < 300) return resolve();
      if (request.status === 401) sessionRefused();
      return reject(problemFrom(request.status, parsed(request.responseText)));
    });
    request.addEventListener('error', () => reject(new UnreachableError('the upload broke off')));
    request.addEventListener('abort', () => reject(new UploadCancelled('cancelled')));
    signal.addEventListener('abort', () => request.abort(), { once: true });
    request.send(file);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
