// SPDX-License-Identifier: Apache-2.0
/** What programs look for on any system, for root file systems that are staged from packages whose scripts were never run. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export function unixFiles(folder: string): void {
  for (const path of ['etc', 'tmp', 'proc', 'sys', 'dev', 'run', 'var/tmp'])
    mkdirSync(join(folder, path), { recursive: true });
  for (const path of ['tmp', 'var/tmp']) chmodSync(join(folder, path), 0o1777);
  const user = 'root:x:0:0:root:/:/sbin/nologin\nmelissa:x:65532:65532:melissa:/tmp:/sbin/nologin\n';
  writeFileSync(join(folder, 'etc', 'passwd'), user);
  writeFileSync(join(folder, 'etc', 'group'), 'root:x:0:\nmelissa:x:65532:\n');
  // Without it getaddrinfo looks for a database that is not there before it asks the name server.
  writeFileSync(join(folder, 'etc', 'nsswitch.conf'), 'passwd: files\ngroup: files\nhosts: files dns\n');
}
