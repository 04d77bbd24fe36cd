// Choosing which version runs: the requests, the cache, and what the person is told.
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { api, ask } from '@/api/client';
import { updatesQuery } from '@/api/queries';
import type { Slot } from '@/api/types';
import { Store } from '@/app/store';
import { useI18n } from '@/i18n/i18n';
import { useUntilBack } from '@/live/until-back';
import { useErrorText } from '@/ui/message';
import { notify } from '@/ui/notices';

export type StartAction = 'apply' | 'rollback';

const asked = new Store<{ version: string; at: Date } | null>(null);

/** The version that the host restarts into, until it is back; `null` when it does not restart. */
export function useRestarting(): string | null {
  return useUntilBack(asked)?.version ?? null;
}

/** Starts the version in `slot`, now or with the next restart. */
export function useStart(action: StartAction, slot: Slot) {
  const cache = useQueryClient();
  const version = slot.version ?? slot.name;
  return useMutation({
    mutationFn: (restart: boolean) =>
      ask(api.POST(action === 'apply' ? '/api/v1/updates/apply' : '/api/v1/updates/rollback', { body: { restart } })),
    onSuccess: (updates, restart) => {
      cache.setQueryData(updatesQuery.queryKey, updates);
      if (restart) asked.set({ version, at: new Date() });
    },
  });
}

/** Writes the running version to the other slot once more. */
export function useReinstall() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: () => ask(api.POST('/api/v1/updates/reinstall')),
    onSuccess: (updates) => cache.setQueryData(updatesQuery.queryKey, updates),
  });
}

/** Asks the feed what it has, or fetches that into the other slot. A refusal may have changed what is known of it. */
export function useAskFeed(action: 'check' | 'fetch') {
  const { t } = useI18n();
  const errorText = useErrorText();
  const cache = useQueryClient();
  return useMutation({
    mutationFn: () => ask(action === 'check' ? api.POST('/api/v1/updates/check') : api.POST('/api/v1/updates/fetch')),
    onSuccess: (updates) => cache.setQueryData(updatesQuery.queryKey, updates),
    onError: (error) => notify({ tone: 'danger', title: t(`feed.${action}.failed`), detail: errorText(error) }),
  });
}

/** Ends what is being written, or takes out of the other slot what was just written to it. */
export function useDiscard() {
  const { t } = useI18n();
  const errorText = useErrorText();
  const cache = useQueryClient();
  return useMutation({
    mutationFn: () => ask(api.DELETE('/api/v1/updates/upload')),
    onSuccess: (updates) => cache.setQueryData(updatesQuery.queryKey, updates),
    onError: (error) => notify({ tone: 'danger', title: t('updates.discard.failed'), detail: errorText(error) }),
  });
}

/** Keeps the version on trial in `slot`, or takes back that the one in it starts with the next restart. */
export function useDecide(action: 'confirm' | 'withdraw', slot: Slot) {
  const { t } = useI18n();
  const errorText = useErrorText();
  const cache = useQueryClient();
  const version = slot.version ?? slot.name;
  return useMutation({
    mutationFn: () =>
      ask(
        action === 'confirm'
          ? api.POST('/api/v1/updates/confirm')
          : // To go back from a version that has not been started yet is to withdraw it.
            api.POST('/api/v1/updates/rollback', { body: { restart: false } }),
      ),
    onSuccess: (updates) => cache.setQueryData(updatesQuery.queryKey, updates),
    onError: (error) =>
      notify({ tone: 'danger', title: t(`updates.${action}.failed`, { version }), detail: errorText(error) }),
  });
}
