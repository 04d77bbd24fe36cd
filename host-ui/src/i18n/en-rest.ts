// Texts of the dialogs and of every page but the first, in English: fetched once the first page stands, and waited for
// by what shows them.
import { enConfiguration } from './en-configuration';
import { enConsole } from './en-console';
import { enDevices } from './en-devices';
import { enGuest } from './en-guest';
import { enHost } from './en-host';
import { enNetworks } from './en-networks';
import { enObserve } from './en-observe';
import { enSnapshots } from './en-snapshots';
import { enStorage } from './en-storage';
import { enUpdates } from './en-updates';
import { enWork } from './en-work';

export const enRest = {
  ...enConfiguration,
  ...enConsole,
  ...enDevices,
  ...enGuest,
  ...enHost,
  ...enNetworks,
  ...enObserve,
  ...enSnapshots,
  ...enStorage,
  ...enUpdates,
  ...enWork,
} as const;
