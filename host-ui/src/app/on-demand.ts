// The components of the dialogs' chunk, ready to be rendered inside a Suspense.
import { lazy } from 'react';
import { withTexts } from '@/i18n/i18n';
import { Store } from './store';

const load = () => withTexts(() => import('./dialogs'));

export const PowerDialog = lazy(async () => ({ default: (await load()).PowerDialog }));
export const RenewDialog = lazy(async () => ({ default: (await load()).RenewDialog }));
export const CreateDialog = lazy(async () => ({ default: (await load()).CreateDialog }));
export const CloneDialog = lazy(async () => ({ default: (await load()).CloneDialog }));
export const DeleteDialog = lazy(async () => ({ default: (await load()).DeleteDialog }));
export const EditDialog = lazy(async () => ({ default: (await load()).EditDialog }));
export const AddDiskDialog = lazy(async () => ({ default: (await load()).AddDiskDialog }));
export const AddNicDialog = lazy(async () => ({ default: (await load()).AddNicDialog }));
export const CdDialog = lazy(async () => ({ default: (await load()).CdDialog }));
export const GrowDiskDialog = lazy(async () => ({ default: (await load()).GrowDiskDialog }));
export const RemoveDiskDialog = lazy(async () => ({ default: (await load()).RemoveDiskDialog }));
export const RemoveNicDialog = lazy(async () => ({ default: (await load()).RemoveNicDialog }));
export const TasksDialog = lazy(async () => ({ default: (await load()).TasksDialog }));
export const StopDialog = lazy(async () => ({ default: (await load()).StopDialog }));

/** With the charts' library in a chunk of its own. */
export const PerformancePage = lazy(async () => ({ default: (await withTexts(() => import('@/performance/performance-page'))).PerformancePage }));

/** Of these, terminal and screen are in chunks of their own again. */
export const ConsolePage = lazy(async () => ({ default: (await withTexts(() => import('@/console/console-page'))).ConsolePage }));
export const PopOutPage = lazy(async () => ({ default: (await withTexts(() => import('@/console/console-page'))).PopOutPage }));

/** Whether the first load is over: what is always shown, but may come a little later, waits for that. */
export const firstLoadOver = new Store(false);

/** Fetches the chunk when the browser has nothing else to do. A dialog that is opened without it says what is missing. */
export function preloadDialogs(): void {
  const idle = globalThis.requestIdleCallback ?? ((run: () => void) => setTimeout(run, 500));
  idle(() => void load().catch(() => undefined).finally(() => firstLoadOver.set(true)));
}

/** Whether a part of the program itself could not be fetched, in the words of Chromium, Firefox and Safari. */
export function isMissingPart(error: unknown): boolean {
  return error instanceof TypeError && /dynamically imported module|Importing a module script failed/i.test(error.message);
}
