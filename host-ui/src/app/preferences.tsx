// Language and theme.
import { type Language, languages, useI18n } from '@/i18n/i18n';
import { Button } from '@/ui/button';
import { MoonIcon, SunIcon } from '@/ui/icons';
import { useStore } from './store';
import { setTheme, themeStore } from './theme';

export function Preferences() {
  const { t, language, setLanguage } = useI18n();
  const theme = useStore(themeStore);
  const other = theme === 'dark' ? 'light' : 'dark';
  const label = t(other === 'dark' ? 'theme.dark' : 'theme.light');
  return (
    <div className="flex items-center gap-1">
      <select
        aria-label={t('language.label')}
        className="min-h-9 rounded-md bg-transparent px-2 text-sm hover:bg-sunken"
        value={language}
        onChange={(event) => void setLanguage(event.target.value as Language)}
      >
        {Object.entries(languages).map(([code, name]) => (
          <option key={code} value={code} lang={code} className="bg-surface">
            {name}
          </option>
        ))}
      </select>
      <Button
        variant="quiet"
        className="px-2"
        aria-label={label}
        title={label}
        icon={theme === 'dark' ? <SunIcon /> : <MoonIcon />}
        onClick={() => setTheme(other)}
      />
    </div>
  );
}
