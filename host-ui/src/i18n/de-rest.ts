// Texts of the dialogs and of every page but the first, in German: see `en-rest.ts`.
import { deConfiguration } from './de-configuration';
import { deConsole } from './de-console';
import { deDevices } from './de-devices';
import { deGuest } from './de-guest';
import { deHost } from './de-host';
import { deNetworks } from './de-networks';
import { deObserve } from './de-observe';
import { deSnapshots } from './de-snapshots';
import { deStorage } from './de-storage';
import { deUpdates } from './de-updates';
import { deWork } from './de-work';
import type { RestOfMessages } from './translate';

export const deRest: RestOfMessages = {
  ...deConfiguration,
  ...deConsole,
  ...deDevices,
  ...deGuest,
  ...deHost,
  ...deNetworks,
  ...deObserve,
  ...deSnapshots,
  ...deStorage,
  ...deUpdates,
  ...deWork,
};
