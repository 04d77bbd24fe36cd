// The host's network and settings, changed for real on a daemon that has a network of its own: a namespace with one
// card, and Chromium inside it. Each change ends the connections of before, so what is confirmed here is confirmed
// over a new one. As root.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { complaints, desktop, expectAccessible, flags, type Look, newContext, phone, picture } from './browser';
import { Daemon, password } from './daemon';

/** What `qx-init` leaves on a live boot. */
const boot = {
  mode: 'live',
  slot: null,
  version: '1.2.3',
  build_id: '00112233aabbccdd',
  key_id: '8899aabbccddeeff',
  source: '/dev/no-such-disk',
  copy_ms: 1,
  copy_bytes: 1,
  watchdog: null,
  config: 'ram',
  data: 'ram',
  warnings: [],
};

/**
 * Makes a card and its cable, shows it as one, has the places that settings are written to for itself, and becomes the
 * daemon. `$1` is a directory for it, the rest is the daemon.
 */
const init = `
set -eu
dir=$1
shift
mount --make-rprivate / 2>/dev/null || :
mkdir -p "$dir/etc" "$dir/over" "$dir/net/ens3/device"
cp -a /etc/. "$dir/etc/"
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /root
mount --bind "$dir/etc" /etc
rm -f /etc/resolv.conf
: >/etc/resolv.conf
mount -t tmpfs tmpfs "$dir/over"
mkdir -p "$dir/over/upper/quantix" "$dir/over/work"
# Services there are none but in what OpenRC's program says.
printf '#!/bin/sh\\n' >"$dir/over/upper/quantix/reconfigure"
chmod +x "$dir/over/upper/quantix/reconfigure"
mount -t overlay -o "lowerdir=/usr/lib,upperdir=$dir/over/upper,workdir=$dir/over/work" overlay /usr/lib
mkdir -p "$dir/over/sbin" "$dir/over/sbin-work"
printf '#!/bin/sh\\n[ "$2 $3" != "sshd status" ] || exit 3\\n' >"$dir/over/sbin/rc-service"
chmod +x "$dir/over/sbin/rc-service"
mount -t overlay -o "lowerdir=/usr/sbin,upperdir=$dir/over/sbin,workdir=$dir/over/sbin-work" overlay /usr/sbin
ip link set dev lo up
ip link add ens3 address 52:54:00:00:00:03 type veth peer name far
ip link set dev far up
echo 3 >"$dir/net/ens3/ifindex"
echo 52:54:00:00:00:03 >"$dir/net/ens3/address"
echo 1 >"$dir/net/ens3/carrier"
mount -t sysfs sysfs /sys
mount --bind "$dir/net" /sys/class/net
exec "$@"
`;

let files: string;
let daemon: Daemon;
let browser: Browser;

beforeAll(async () => {
  files = await mkdtemp(join(tmpdir(), 'qx-ui-net-'));
  const inside = ['unshare', '--net', '--uts', '--mount', '--propagation', 'unchanged', '--', 'sh', '-c', init, 'sh', files];
  daemon = await Daemon.start('test:///default', { inside, boot });
  const script = join(files, 'chromium');
  const real = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
  await writeFile(script, `#!/bin/sh\nexec nsenter --net --target ${daemon.pid} -- ${real} "$@"\n`, { mode: 0o755 });
  browser = await chromium.launch({ executablePath: script, args: flags });
});
afterAll(async () => {
  await browser?.close();
  await daemon?.stop();
  await rm(files, { recursive: true, force: true });
});

/**
 * Logs in as a person does whose network may change meanwhile, for which Chromium breaks off whatever is under way: an
 * address, the page, the log-in are tried once more.
 */
async function logIn(page: Page, { url }: Pick<Daemon, 'url'>, path = '/'): Promise<void> {
  await page.goto(url + path).catch((error: unknown) => {
    if (!String(error).includes('ERR_NETWORK_CHANGED')) throw error;
    return page.goto(url + path);
  });
  const again = page.getByRole('link', { name: 'Load it again' });
  await page.getByLabel('Password').or(again).waitFor();
  if (await again.isVisible()) await again.click();
  await page.getByLabel('Password').fill(password);
  const enter = page.getByRole('button', { name: 'Log in' });
  const inside = page.getByRole('button', { name: 'Log out' });
  await enter.click();
  await inside.or(page.getByText('The host does not answer')).first().waitFor();
  if (!(await inside.isVisible())) await enter.click();
  await inside.waitFor();
}

async function fixed(page: Page, address: string, gateway: string, within: string): Promise<void> {
  await page.getByLabel('Network cards').fill('ens3');
  await page.getByLabel('IPv4', { exact: true }).selectOption('Fixed');
  await page.getByLabel('IPv4 address').fill(address);
  await page.getByLabel('IPv4 gateway').fill(gateway);
  await page.getByLabel('IPv6', { exact: true }).selectOption('None');
  await page.getByLabel('Undo after (seconds)').fill(within);
}

async function tryIt(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Try this network …' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Try it' }).click();
}

const banner = (page: Page) => page.getByRole('region', { name: 'Change of the network' });

test('a network is confirmed at its new address, the next one undone by hand, the last one by time', async () => {
  const page = await (await newContext(browser)).newPage();
  const found = complaints(page);
  await logIn(page, daemon);
  await page.getByRole('link', { name: 'Host network' }).click();
  await fixed(page, '192.0.2.7/24', '192.0.3.1', '300');
  await page.getByRole('button', { name: 'Try this network …' }).click();
  await page.getByText('Is not in the network of 192.0.2.7/24').waitFor();
  await page.getByLabel('IPv4 gateway').fill('192.0.2.1');
  await tryIt(page);
  const link = banner(page).getByRole('link');
  await banner(page).getByText(/It is undone in/).waitFor();
  const url = (await link.getAttribute('href')) ?? '';
  expect(url).toBe(`https://192.0.2.7:${new URL(daemon.url).port}/host-network`);
  // On every page.
  await page.getByRole('link', { name: 'Images' }).click();
  await banner(page).getByText('You reach the host').waitFor();
  await link.click();
  await page.getByLabel('Password').waitFor();
  expect(page.url()).toContain('https://192.0.2.7:');
  await logIn(page, { url: new URL(url).origin }, '/host-network');
  await banner(page).getByRole('button', { name: 'Confirm' }).click();
  await banner(page).waitFor({ state: 'detached' });
  await page.getByRole('row', { name: /^IPv4 192\.0\.2\.7\/24 via 192\.0\.2\.1 192\.0\.2\.7\/24/ }).waitFor();

  // Over the connections that were there: they end with the change, and new ones are made without anybody's doing.
  await page.getByLabel('Name servers').fill('192.0.2.1');
  await tryIt(page);
  await banner(page).getByText('You reach the host').waitFor();
  await banner(page).getByRole('button', { name: 'Confirm' }).click();
  await banner(page).waitFor({ state: 'detached' });
  await page.getByRole('row', { name: /^Name servers 192\.0\.2\.1 192\.0\.2\.1/ }).waitFor();

  await page.getByLabel('Name servers').fill('192.0.2.2');
  await tryIt(page);
  await banner(page).getByText('You reach the host').waitFor();
  await banner(page).getByRole('button', { name: 'Undo' }).click();
  await page.getByText('Somebody undid it').waitFor();
  // What was typed is still there to be corrected.
  expect(await page.getByLabel('Name servers').inputValue()).toBe('192.0.2.2');

  await page.getByLabel('Undo after (seconds)').fill('10');
  await tryIt(page);
  await banner(page).waitFor();
  await banner(page).waitFor({ state: 'detached' });
  await page.getByText('Nobody confirmed it in time').first().waitFor();
  expect(found).toEqual([]);
});

test('settings are saved, refused at their fields, and SSH is on for a while', async () => {
  const page = await (await newContext(browser)).newPage();
  const found = complaints(page);
  await logIn(page, daemon);
  await page.getByRole('link', { name: 'Host settings' }).click();
  await page.getByLabel('Host name').fill('qx1');
  await page.getByLabel('Keys that may log in as root').fill('nonsense');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText(/^Must be one public key/).waitFor();
  expect(await page.getByLabel('Host name').inputValue()).toBe('qx1');
  await page.getByLabel('Keys that may log in as root').fill('');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('The settings are saved and in force').waitFor();
  await page.getByLabel('Minutes').fill('30');
  await page.getByRole('button', { name: 'Turn on for so long' }).click();
  await page.getByText(/on for \d+ min/).waitFor();
  await page.getByRole('button', { name: 'End it now' }).click();
  await page.getByText('SSH is off', { exact: true }).waitFor();
  await page.reload();
  expect(await page.getByLabel('Host name').inputValue()).toBe('qx1');
  expect(found).toEqual([]);
});

test('a service is restarted, and the page goes on with a certificate that the host made anew', async () => {
  const page = await (await newContext(browser)).newPage();
  const found = complaints(page);
  await logIn(page, daemon, '/host-settings');
  const services = page.getByRole('region', { name: 'Services' });
  await services.getByText('Stopped').waitFor();
  await services.getByRole('button', { name: 'Restart … chronyd' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Restart' }).click();
  await page.getByText('chronyd was restarted').waitFor();
  const certificate = page.getByRole('region', { name: 'Certificate' });
  const fingerprint = certificate.getByText(/^(?:[0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  const before = await fingerprint.textContent();
  await certificate.getByRole('button', { name: 'Make a new one …' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Make it' }).click();
  await certificate.getByText('The host has a new certificate').waitFor();
  const after = await fingerprint.textContent();
  expect(after).not.toBe(before);
  await certificate.getByRole('button', { name: 'Load the page again' }).click();
  await certificate.getByText('The host has a new certificate').waitFor({ state: 'detached' });
  expect(await fingerprint.textContent()).toBe(after);
  expect(found).toEqual([]);
});

const looks: Look[] = [desktop, { ...desktop, theme: 'dark' }, phone, { ...phone, theme: 'dark' }];

test.each(looks)('a network on trial and the settings at $width px, $theme', async (look) => {
  const context = await newContext(browser, look);
  const page = await context.newPage();
  await logIn(page, daemon, '/host-network');
  const check = async (name: string) => {
    await picture(page, `${name}-${look.width}-${look.theme}`, true);
    await expectAccessible(page);
    const wide = await page.evaluate<boolean>('document.documentElement.scrollWidth > document.documentElement.clientWidth');
    expect(wide).toBe(false);
  };
  await fixed(page, '198.51.100.9/24', '198.51.100.1', '300');
  await page.getByRole('button', { name: 'Try this network …' }).click();
  await page.getByRole('dialog').waitFor();
  await check('try-network');
  await page.getByRole('dialog').getByRole('button', { name: 'Try it' }).click();
  await banner(page).getByText('You reach the host').waitFor();
  await check('host-network');
  await banner(page).getByRole('button', { name: 'Undo' }).click();
  await banner(page).waitFor({ state: 'detached' });
  await page.getByRole('link', { name: 'Host settings' }).click();
  await page.getByLabel('Host name').waitFor();
  await check('host-settings');
  await context.close();
});
