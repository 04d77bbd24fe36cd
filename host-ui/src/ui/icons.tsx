// The few icons of the UI, drawn for it. Decoration only: the text beside an icon carries the meaning.
import type { ReactNode } from 'react';

function Icon({ children, className = 'size-4' }: { children: ReactNode; className?: string }) {
  return (
    <svg
      viewBox="0 0 16 16"
      className={`shrink-0 ${className}`}
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {children}
    </svg>
  );
}

export const PlayIcon = () => <Icon><path d="M5 3.5v9l7-4.5z" /></Icon>;
export const PowerIcon = () => <Icon><path d="M8 2v6M4.7 4.3a5 5 0 1 0 6.6 0" /></Icon>;
export const StopIcon = () => <Icon><rect x="4" y="4" width="8" height="8" rx="1" /></Icon>;
export const PauseIcon = () => <Icon><path d="M5.5 3.5v9M10.5 3.5v9" strokeWidth="2.2" /></Icon>;
export const RebootIcon = () => <Icon><path d="M12.8 8a4.8 4.8 0 1 1-1.6-3.6M11.6 1.8v2.9H8.7" /></Icon>;
export const SuspendIcon = () => <Icon><path d="M8 2v6.5M5.2 6 8 8.8 10.8 6M2.5 9.5v3a1 1 0 0 0 1 1h9a1 1 0 0 0 1-1v-3" /></Icon>;
export const CopyIcon = () => <Icon><rect x="5.5" y="5.5" width="8" height="8" rx="1.2" /><path d="M3.8 10.5h-.3a1 1 0 0 1-1-1v-6a1 1 0 0 1 1-1h6a1 1 0 0 1 1 1v.3" /></Icon>;
export const TrashIcon = () => <Icon><path d="M3 4.5h10M6.5 4.5V3h3v1.5M4.5 4.5l.5 8.5h6l.5-8.5M7 7v3.5M9 7v3.5" /></Icon>;
export const TerminalIcon = () => <Icon><rect x="2" y="3" width="12" height="10" rx="1.5" /><path d="m4.5 6 2 2-2 2M8.5 10H11" /></Icon>;
export const KeyboardIcon = () => <Icon><rect x="1.5" y="4" width="13" height="8.5" rx="1.2" /><path d="M4 6.8v0M6.7 6.8v0M9.3 6.8v0M12 6.8v0M4 9.6v0M12 9.6v0M6.5 9.6h3" /></Icon>;
export const PlusIcon = () => <Icon><path d="M8 3v10M3 8h10" /></Icon>;
export const UploadIcon = () => <Icon><path d="M8 10.5V2.5M4.8 5.5 8 2.5l3.2 3M2.5 10.5v2a1 1 0 0 0 1 1h9a1 1 0 0 0 1-1v-2" /></Icon>;
export const MoreIcon = () => <Icon><path strokeWidth="2.4" d="M8 3.4v0M8 8v0M8 12.6v0" /></Icon>;
export const SearchIcon = () => <Icon><circle cx="7" cy="7" r="4" /><path d="m10 10 3.5 3.5" /></Icon>;
export const ChartIcon = () => <Icon><path d="M2.5 2.5v11h11M5 10.5 8 7l2 2 3.5-4.5" /></Icon>;
export const CameraIcon = () => <Icon><path d="M2 5h2.8L6 3h4l1.2 2H14v8H2z" /><circle cx="8" cy="8.8" r="2.3" /></Icon>;
export const TasksIcon = () => <Icon><path d="M2.5 4 3.7 5.2 6 2.8M8.5 4h5M2.5 8.2l1.2 1.2L6 7M8.5 8.2h5M8.5 12.4h5M3.8 12.4v0" /></Icon>;
export const PlugIcon = () => <Icon><path d="M5.5 2v3M10.5 2v3M3.8 5h8.4v2.6a4.2 4.2 0 0 1-8.4 0zM8 11.8V14" /></Icon>;
export const ToggleIcon = () => <Icon><rect x="1.8" y="4.5" width="12.4" height="7" rx="3.5" /><circle cx="10.6" cy="8" r="1.6" /></Icon>;
export const CloseIcon = () => <Icon><path d="m4 4 8 8M12 4l-8 8" /></Icon>;
export const CheckIcon = () => <Icon><path d="m3.5 8.5 3 3 6-7" /></Icon>;
export const WarnIcon = () => <Icon className="mt-0.5 size-4"><path d="M8 2.2 14.5 13.5h-13zM8 6.5v3M8 11.6v0" /></Icon>;
export const ServerIcon = () => <Icon><rect x="2" y="2.5" width="12" height="4.5" rx="1" /><rect x="2" y="9" width="12" height="4.5" rx="1" /><path d="M4.6 4.8v0M4.6 11.2v0" /></Icon>;
export const DiscIcon = () => <Icon><circle cx="8" cy="8" r="5.8" /><circle cx="8" cy="8" r="1.6" /></Icon>;
export const DiskIcon = () => <Icon><ellipse cx="8" cy="4" rx="5.5" ry="2" /><path d="M2.5 4v8c0 1.1 2.5 2 5.5 2s5.5-.9 5.5-2V4M2.5 8c0 1.1 2.5 2 5.5 2s5.5-.9 5.5-2" /></Icon>;
export const NetworkIcon = () => <Icon><rect x="5.5" y="2" width="5" height="3.5" rx="1" /><rect x="1.5" y="10.5" width="5" height="3.5" rx="1" /><rect x="9.5" y="10.5" width="5" height="3.5" rx="1" /><path d="M8 5.5V8M4 10.5V8h8v2.5" /></Icon>;
export const UpdateIcon = () => <Icon><path d="M13.2 6.5A5.5 5.5 0 0 0 3.5 5M2.8 9.5a5.5 5.5 0 0 0 9.7 1.5M3.2 2v3.2h3.2M12.8 14v-3.2H9.6" /></Icon>;
export const LogIcon = () => <Icon><path d="M3 3.5h10M3 6.5h10M3 9.5h6.5M3 12.5h8.5" /></Icon>;
export const UserIcon = () => <Icon><circle cx="8" cy="5.2" r="2.7" /><path d="M2.8 13.5c.5-2.7 2.6-4 5.2-4s4.7 1.3 5.2 4" /></Icon>;
export const SettingsIcon = () => <Icon><path d="M2.5 4.5h6M11.5 4.5h2M2.5 11.5h2M7.5 11.5h6" /><circle cx="10" cy="4.5" r="1.5" /><circle cx="6" cy="11.5" r="1.5" /></Icon>;
export const SunIcon = () => <Icon><circle cx="8" cy="8" r="2.8" /><path d="M8 1.5v1.5M8 13v1.5M1.5 8H3M13 8h1.5M3.4 3.4l1 1M11.6 11.6l1 1M3.4 12.6l1-1M11.6 4.4l1-1" /></Icon>;
export const MoonIcon = () => <Icon><path d="M13 9.7A5.6 5.6 0 0 1 6.3 3a5.6 5.6 0 1 0 6.7 6.7z" /></Icon>;
export const BackIcon = () => <Icon><path d="M9.5 3.5 5 8l4.5 4.5" /></Icon>;

/** Something is under way. */
export const Spinner = () => (
  <svg viewBox="0 0 16 16" className="size-4 shrink-0 animate-spin" fill="none" stroke="currentColor" strokeWidth="2" aria-hidden="true">
    <path d="M8 2a6 6 0 1 1-6 6" strokeLinecap="round" />
  </svg>
);

/** The product's mark. */
export const Logo = ({ className = 'size-7' }: { className?: string }) => (
  <svg viewBox="0 0 32 32" className={`shrink-0 ${className}`} aria-hidden="true">
    <path fill="#0f766e" d="M16 1.5 28.6 8.8v14.4L16 30.5 3.4 23.2V8.8z" />
    <path fill="none" stroke="#fff" strokeWidth="3" d="M16 8.6 22.4 12.3v7.4L16 23.4l-6.4-3.7v-7.4zM17.5 17.5l6.5 6.5" />
  </svg>
);
