// Dark or light. `public/first.js` has put the theme on <html> before the first paint; this changes it.
import { Store } from './store';

export type Theme = 'dark' | 'light';

export const themeStore = new Store<Theme>(document.documentElement.dataset['theme'] === 'dark' ? 'dark' : 'light');

export function setTheme(theme: Theme): void {
  document.documentElement.dataset['theme'] = theme;
  localStorage.setItem('qx-theme', theme);
  themeStore.set(theme);
}
