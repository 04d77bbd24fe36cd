import { expect, test } from 'vitest';
import { putFile, UploadCancelled } from './put-file';

test('what was cancelled before it began is not sent', async () => {
  // Node has no XMLHttpRequest: to begin one would be another error.
  const sent = putFile('/api/v1/images/a.iso', new Blob(['x']), { onProgress: () => undefined, signal: AbortSignal.abort() });
  await expect(sent).rejects.toBeInstanceOf(UploadCancelled);
});
