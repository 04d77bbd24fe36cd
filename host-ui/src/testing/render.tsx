// Renders a component with what every component of the UI may ask for: language, cache, routes.
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { createMemoryHistory, createRootRoute, createRoute, createRouter, RouterProvider } from '@tanstack/react-router';
import { render, screen } from '@testing-library/react';
import type { ReactElement } from 'react';
import { en } from '@/i18n/en';
import { enRest } from '@/i18n/en-rest';
import { I18nProvider } from '@/i18n/i18n';

const english = { language: 'en', messages: { ...en, ...enRest } } as const;

/** Renders and waits until the component stands; answers the cache that it reads from. */
export async function renderPage(element: ReactElement, cache = new QueryClient()): Promise<QueryClient> {
  window.scrollTo = () => undefined;
  const root = createRootRoute();
  const page = (path: string) => createRoute({ getParentRoute: () => root, path, component: () => <div data-testid="page">{element}</div> });
  const router = createRouter({
    routeTree: root.addChildren(['/', '/updates', '/vms/$vmId', '/vms/$vmId/console'].map(page)),
    history: createMemoryHistory({ initialEntries: ['/'] }),
  });
  render(
    <I18nProvider initial={english}>
      <QueryClientProvider client={cache}>
        <RouterProvider router={router as never} />
      </QueryClientProvider>
    </I18nProvider>,
  );
  await screen.findByTestId('page');
  return cache;
}
