// Files on their way into pools. They go on while the person is on another page, so they live outside React.
import { putFile, UploadCancelled } from '@/api/put-file';
import { poolsQuery, queryClient, volumesQuery } from '@/api/queries';
import { Store } from '@/app/store';
import { libraryName } from '@/images/uploads';

export type VolumeUpload = {
  pool: string;
  name: string;
  totalBytes: number;
  sentBytes: number;
  /** `null` while it runs. */
  error: unknown;
};

export const volumeUploads = new Store<readonly VolumeUpload[]>([]);
const aborts = new Map<string, AbortController>();

const is = (pool: string, name: string) => (upload: VolumeUpload) => upload.pool === pool && upload.name === name;

function patch(pool: string, name: string, part: Partial<VolumeUpload>): void {
  volumeUploads.set(volumeUploads.get().map((upload) => (is(pool, name)(upload) ? { ...upload, ...part } : upload)));
}

function forget(pool: string, name: string): void {
  aborts.delete(`${pool}/${name}`);
  volumeUploads.set(volumeUploads.get().filter((upload) => !is(pool, name)(upload)));
}

/** The name of the volume that a file becomes: other hypervisors' formats become qcow2. */
export const volumeName = (fileName: string): string => libraryName(fileName).replace(/\.(vmdk|vdi|vhdx)$/i, '.qcow2');

/** Sends a file to a pool. One of the same name that still runs is left alone. */
export async function uploadTo(pool: string, file: File): Promise<void> {
  const name = volumeName(file.name);
  const known = volumeUploads.get().find(is(pool, name));
  if (known !== undefined && known.error === null) return;
  forget(pool, name);
  const abort = new AbortController();
  aborts.set(`${pool}/${name}`, abort);
  volumeUploads.set([...volumeUploads.get(), { pool, name, totalBytes: file.size, sentBytes: 0, error: null }]);
  try {
    const onProgress = (sentBytes: number) => patch(pool, name, { sentBytes });
    await putFile(`/api/v1/pools/${pool}/volumes/${encodeURIComponent(name)}/content`, file, { onProgress, signal: abort.signal });
    await queryClient.invalidateQueries({ queryKey: volumesQuery(pool).queryKey });
    void queryClient.invalidateQueries({ queryKey: poolsQuery.queryKey });
    forget(pool, name);
  } catch (error) {
    if (error instanceof UploadCancelled) forget(pool, name);
    else patch(pool, name, { error });
  }
}

/** Stops an upload that runs, or forgets one that failed. */
export function dropUpload(pool: string, name: string): void {
  aborts.get(`${pool}/${name}`)?.abort();
  forget(pool, name);
}
