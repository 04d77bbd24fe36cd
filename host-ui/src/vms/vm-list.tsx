// The list of VMs with its search. A table for wide screens whose rows become cards on narrow ones.
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { memo, type ReactNode, Suspense, useDeferredValue, useState } from 'react';
import { vmsQuery } from '@/api/queries';
import type { Role, Vm } from '@/api/types';
import { formatBytes } from '@/i18n/format';
import { useI18n } from '@/i18n/i18n';
import { CreateDialog } from '@/app/on-demand';
import { Button } from '@/ui/button';
import { PlusIcon, SearchIcon, ServerIcon } from '@/ui/icons';
import { LoadError, Loading, Placeholder } from '@/ui/message';
import { matches, roleReason } from './rules';
import { AcceleratorText, StateBadge, Tags } from './state';
import { VmActions } from './vm-actions';

type Props = { role: Role; search: string; onSearch: (search: string) => void };

export function VmList({ role, search, onSearch }: Props) {
  const { t } = useI18n();
  const [creating, setCreating] = useState(false);
  const vms = useQuery(vmsQuery);
  const denied = roleReason(role);
  const create = (
    <Button variant="primary" icon={<PlusIcon />} disabledReason={denied && t(denied)} onClick={() => setCreating(true)}>
      {t('vms.create')}
    </Button>
  );
  return (
    <section aria-labelledby="vms-heading" className="card">
      <div className="flex flex-wrap items-center gap-3 border-b border-line p-4">
        <h2 id="vms-heading" className="text-base font-semibold">
          {t('vms.title')}
        </h2>
        {vms.data !== undefined && <VmCount vms={vms.data} />}
        <div className="order-last w-full sm:order-none sm:ml-auto sm:w-72">
          <SearchBox value={search} onChange={onSearch} />
        </div>
        <div className="ml-auto sm:ml-0">{create}</div>
      </div>
      {vms.isPending && <Loading label={t('vms.loading')} />}
      {vms.isError && <LoadError error={vms.error} what={t('vms.what')} retry={() => void vms.refetch()} />}
      {vms.isSuccess && <VmRows vms={vms.data} role={role} search={search} onSearch={onSearch} create={create} />}
      <Suspense>{creating && <CreateDialog onClose={() => setCreating(false)} />}</Suspense>
    </section>
  );
}

function VmCount({ vms }: { vms: readonly Vm[] }) {
  const { t } = useI18n();
  const running = vms.filter((vm) => vm.state === 'running').length;
  return <p className="text-sm text-muted">{t('vms.count', { count: vms.length, running })}</p>;
}

function SearchBox({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const { t } = useI18n();
  return (
    <div className="relative">
      <span className="pointer-events-none absolute inset-y-0 left-2.5 grid place-items-center text-muted">
        <SearchIcon />
      </span>
      <input
        type="search"
        className="field pl-8 text-sm"
        aria-label={t('vms.search')}
        placeholder={t('vms.search')}
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
    </div>
  );
}

type RowsProps = Props & { vms: readonly Vm[]; create: ReactNode };

function VmRows({ vms, role, search, onSearch, create }: RowsProps) {
  const { t } = useI18n();
  const wanted = useDeferredValue(search);
  if (vms.length === 0) {
    return (
      <Placeholder icon={<ServerIcon />} title={t('vms.empty.title')} action={create}>
        {t('vms.empty.text')}
      </Placeholder>
    );
  }
  const found = vms.filter((vm) => matches(vm, wanted));
  if (found.length === 0) {
    return (
      <Placeholder icon={<SearchIcon />} title={t('vms.notFound.title', { search: wanted })} action={<Button onClick={() => onSearch('')}>{t('vms.notFound.clear')}</Button>}>
        {t('vms.notFound.text')}
      </Placeholder>
    );
  }
  return (
    <table aria-labelledby="vms-heading" className="block w-full text-sm md:table">
      <thead className="sr-only md:not-sr-only md:table-header-group">
        <tr className="text-left text-xs text-muted">
          <Heading>{t('vm.name')}</Heading>
          <Heading>{t('vm.state')}</Heading>
          <Heading number>{t('vm.vcpus')}</Heading>
          <Heading number>{t('vm.memory')}</Heading>
          <Heading>{t('vm.accelerator')}</Heading>
          <Heading>
            <span className="sr-only">{t('vm.actions')}</span>
          </Heading>
        </tr>
      </thead>
      <tbody className="block md:table-row-group">
        {found.map((vm) => (
          <VmRow key={vm.id} vm={vm} role={role} />
        ))}
      </tbody>
    </table>
  );
}

function Heading({ children, number = false }: { children: ReactNode; number?: boolean }) {
  return (
    <th scope="col" className={`px-4 py-2 font-medium whitespace-nowrap ${number ? 'text-right' : ''}`}>
      {children}
    </th>
  );
}

const VmRow = memo(function VmRow({ vm, role }: { vm: Vm; role: Role }) {
  const { t, language } = useI18n();
  const cell = 'md:table-cell md:px-4 md:py-2.5 md:align-middle';
  return (
    <tr
     
      className="grid grid-cols-[auto_auto_1fr_auto] items-center gap-x-3 gap-y-2 border-t border-line p-4 first:border-t-0 md:table-row md:p-0 md:first:border-t"
    >
      <td className={`${cell} col-span-3 min-w-0`}>
        <Link
          to="/vms/$vmId"
          params={{ vmId: vm.id }}
          className="font-medium [overflow-wrap:anywhere] no-underline hover:underline"
        >
          {vm.name}
        </Link>
        {vm.tags.length > 0 && <span className="ml-2 inline-flex flex-wrap gap-1 align-middle"><Tags tags={vm.tags} /></span>}
        {vm.description !== '' && <p className="line-clamp-1 max-w-80 text-xs text-muted">{vm.description}</p>}
      </td>
      <td className={cell}>
        <StateBadge state={vm.state} />
      </td>
      <td className={`${cell} tabular-nums md:text-right`}>
        <span className="hidden md:inline">{vm.vcpus}</span>
        <span className="md:hidden">{t('vm.vcpus.count', { count: vm.vcpus })}</span>
      </td>
      <td className={`${cell} whitespace-nowrap tabular-nums md:text-right`}>
        {formatBytes(vm.memory_mib * 1024 ** 2, language)}
      </td>
      <td className={`${cell} col-span-2`}>
        <AcceleratorText accelerator={vm.accelerator} />
      </td>
      <td className={`${cell} col-span-4 md:w-px`}>
        <VmActions vm={vm} role={role} />
      </td>
    </tr>
  );
});
