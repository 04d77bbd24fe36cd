// The uploads of this browser. They go on while the person is on another page, so they live outside React.
import { putFile, UploadCancelled } from '@/api/put-file';
import { imagesQuery, imageUploadsQuery, queryClient } from '@/api/queries';
import { Store } from '@/app/store';

export type Upload = {
  name: string;
  totalBytes: number;
  sentBytes: number;
  /** `null` while it runs. */
  error: unknown;
};

type Running = { file: File; abort: AbortController };

export const uploads = new Store<readonly Upload[]>([]);
const files = new Map<string, Running>();

const patch = (name: string, part: Partial<Upload>) =>
  uploads.set(uploads.get().map((upload) => (upload.name === name ? { ...upload, ...part } : upload)));

const forget = (name: string) => {
  files.delete(name);
  uploads.set(uploads.get().filter((upload) => upload.name !== name));
};

/** A library name made of a file's own: what the library doesn't take becomes `-`. */
export function libraryName(fileName: string): string {
  const name = fileName.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '');
  return name.slice(0, 128) || 'image';
}

/** Starts to send a file, or goes on with it. One of the same name that still runs is left alone. */
export async function startUpload(file: File): Promise<void> {
  const name = libraryName(file.name);
  const known = uploads.get().find((upload) => upload.name === name);
  if (known !== undefined && known.error === null) return;
  forget(name);
  const abort = new AbortController();
  files.set(name, { file, abort });
  uploads.set([...uploads.get(), { name, totalBytes: file.size, sentBytes: 0, error: null }]);
  try {
    const offset = await brokeOffAt(name, file);
    patch(name, { sentBytes: offset });
    const onProgress = (sentBytes: number) => patch(name, { sentBytes: offset + sentBytes });
    const headers = { 'Upload-Offset': `${offset}` };
    await putFile(`/api/v1/images/${encodeURIComponent(name)}`, file.slice(offset), { headers, onProgress, signal: abort.signal });
    await queryClient.invalidateQueries({ queryKey: imagesQuery.queryKey });
    forget(name);
  } catch (error) {
    // Whoever cancelled it has forgotten it already, and may have begun anew.
    if (!(error instanceof UploadCancelled)) patch(name, { error });
  }
  void queryClient.invalidateQueries({ queryKey: imageUploadsQuery.queryKey });
}

/** How much of the same file the host has from an upload that broke off; 0 when all of it is to be sent. */
async function brokeOffAt(name: string, file: File): Promise<number> {
  const parts = await queryClient.fetchQuery(imageUploadsQuery);
  const part = parts.find((known) => known.name === name && known.total_bytes === file.size && !known.under_way);
  if (part === undefined) return 0;
  const end = file.slice(part.received_bytes - part.tail_bytes, part.received_bytes);
  return (await sha256(end)) === part.tail_sha256 ? part.received_bytes : 0;
}

async function sha256(content: Blob): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', await content.arrayBuffer());
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Stops a running upload, or forgets one that failed. What the host has of it is kept there for a day. */
export function cancelUpload(name: string): void {
  files.get(name)?.abort.abort();
  forget(name);
}

/** Goes on with a failed upload. */
export function retryUpload(name: string): void {
  const running = files.get(name);
  if (running !== undefined) void startUpload(running.file);
}
