// Hands something that this page holds to the browser as a download.

export function saveFile(name: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

/** Hands an answer of the daemon to the browser, under the name that its header gives it; resolves with that. */
export function saveAnswer(response: Response, content: Blob, otherwise: string): string {
  const name = nameOf(response.headers.get('Content-Disposition')) ?? otherwise;
  saveFile(name, content);
  return name;
}

/** The name that a `Content-Disposition` header gives to a download. */
export function nameOf(disposition: string | null): string | undefined {
  return /filename="([^"]+)"/.exec(disposition ?? '')?.[1];
}
