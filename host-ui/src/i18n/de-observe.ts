// Deutsch: Seiten, die den Host beobachten und sagen, wer ihn benutzen darf.
import type { enObserve } from './en-observe';

export const deObserve: Record<keyof typeof enObserve, string> = {
  'performance.what': 'die Messwerte',
  'performance.loading': 'Messwerte werden gelesen …',
  'performance.host': 'Host',
  'performance.subjects': 'Anzeigen (höchstens {most})',
  'performance.none': 'Nichts ist ausgewählt. Wählen Sie oben den Host oder eine VM.',
  'performance.range': 'Zeitraum',
  'performance.range.live': 'Live',
  'performance.range.hour': '1 Stunde',
  'performance.range.day': '24 Stunden',
  'performance.range.week': '7 Tage',
  'performance.range.month': '30 Tage',
  'performance.refresh': 'Erneut lesen',
  'performance.csv': 'Als CSV speichern',
  'performance.csv.none': 'Es gibt noch keine Messwerte.',
  'performance.cpu_cores': 'CPU (genutzte Kerne)',
  'performance.memory_bytes': 'Speicher',
  'performance.disk_read_bytes_per_s': 'Von Laufwerken gelesen',
  'performance.disk_write_bytes_per_s': 'Auf Laufwerke geschrieben',
  'performance.disk_reads_per_s': 'Leseanfragen',
  'performance.disk_writes_per_s': 'Schreibanfragen',
  'performance.net_rx_bytes_per_s': 'Empfangen',
  'performance.net_tx_bytes_per_s': 'Gesendet',
};
