// The browser's title: the page, then the host, so that tabs of several hosts can be told apart.
import { useQuery } from '@tanstack/react-query';
import { hostQuery } from '@/api/queries';

/** Each page renders one; React moves it into the head. */
export function PageTitle({ page }: { page: string }) {
  const host = useQuery(hostQuery).data?.hostname;
  return <title>{[page, host, 'Quantix-OS'].filter(Boolean).join(' · ')}</title>;
}
