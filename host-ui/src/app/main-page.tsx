// The main page: the host's card and the list of VMs.
import { HostCard } from '@/host/host-card';
import { useI18n } from '@/i18n/i18n';
import { useSession } from '@/session/store';
import { VmList } from '@/vms/vm-list';
import { PageTitle } from './page-title';

export function MainPage({ search, onSearch }: { search: string; onSearch: (search: string) => void }) {
  const { t } = useI18n();
  const session = useSession();
  if (session === null) return null;
  return (
    <>
      <PageTitle page={t('nav.host')} />
      <HostCard />
      <VmList role={session.role} search={search} onSearch={onSearch} />
    </>
  );
}
