// Writes src/api/schema.d.ts from the daemon's OpenAPI document; with --check it only compares and fails
// when somebody changed one without the other.
import { readFile, writeFile } from 'node:fs/promises';
import openapiTS, { astToString } from 'openapi-typescript';

const document = new URL('../../docs/openapi.json', import.meta.url);
const target = new URL('../src/api/schema.d.ts', import.meta.url);

const head = '// Generated from docs/openapi.json by `npm run generate`. Do not edit.\n\n';
const wanted = head + astToString(await openapiTS(document));

if (process.argv.includes('--check')) {
  const present = await readFile(target, 'utf8').catch(() => '');
  if (present !== wanted) {
    process.stderr.write(
      'error: src/api/schema.d.ts does not match docs/openapi.json; run `npm run generate` and commit it\n',
    );
    process.exit(1);
  }
} else {
  await writeFile(target, wanted);
}
