// What can be told about a backup without opening it. Pure.

/** How an encrypted one begins (https://age-encryption.org/v1). */
const ageHeader = 'age-encryption.org/v1\n';

/** Whether a passphrase is needed to open `file`. */
export async function isEncrypted(file: Blob): Promise<boolean> {
  return (await file.slice(0, ageHeader.length).text()) === ageHeader;
}
