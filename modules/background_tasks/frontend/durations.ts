const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** The date and the time to the second. */
export const formatExact = (value: string) => exact.format(new Date(value));

/** `320 ms`, `4.2 s`, `3 min 5 s`, `2 h 4 min`, `3 d 4 h`: the two largest units that say something. */
export function formatDuration(seconds: number): string {
  if (seconds > 0 && seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${Number(seconds.toFixed(1))} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return pair(whole, 60, "min", 1, "s");
  if (whole < 86_400) return pair(whole, 3600, "h", 60, "min");
  return pair(whole, 86_400, "d", 3600, "h");
}

function pair(seconds: number, large: number, largeUnit: string, small: number, smallUnit: string) {
  const rest = Math.floor((seconds % large) / small);
  return `${Math.floor(seconds / large)} ${largeUnit}${rest > 0 ? ` ${rest} ${smallUnit}` : ""}`;
}

/** Seconds from one moment to another, as text; empty while either is unknown. */
export function formatBetween(from: string | null, to: string | null): string {
  if (!from || !to) return "";
  return formatDuration(Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000));
}
