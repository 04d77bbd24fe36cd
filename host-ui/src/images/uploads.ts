// The uploads of this browser. They go on while the person is on another page, so they live outside React.
import { putFile, UploadCancelled } from '@/api/put-file';
import { imagesQuery, queryClient } from '@/api/queries';
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

/** Starts to send a file. One of the same name that still runs is left alone. */
export async function startUpload(file: File): Promise<void> {
  const name = libraryName(file.name);
  const known = uploads.get().find((upload) => upload.name === name);
  if (known !== undefined && known.error === null) return;
  forget(name);
  const abort = new AbortController();
  files.set(name, { file, abort });
  uploads.set([...uploads.get(), { name, totalBytes: file.size, sentBytes: 0, error: null }]);
  try {
    const onProgress = (sentBytes: number) => patch(name, { sentBytes });
    await putFile(`/api/v1/images/${encodeURIComponent(name)}`, file, { onProgress, signal: abort.signal });
    await queryClient.invalidateQueries({ queryKey: imagesQuery.queryKey });
    forget(name);
  } catch (error) {
    if (error instanceof UploadCancelled) forget(name);
    else patch(name, { error });
  }
}

/** Stops a running upload, or forgets one that failed. */
export function cancelUpload(name: string): void {
  files.get(name)?.abort.abort();
  forget(name);
}

/** Sends a failed upload again, from its beginning. */
export function retryUpload(name: string): void {
  const running = files.get(name);
  if (running !== undefined) void startUpload(running.file);
}
