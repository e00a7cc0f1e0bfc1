import type { AppInfo } from "@seamark/app";

/** An entry of the navigation, contributed by a module. */
export type Entry = AppInfo["navigation"][number];

/** By group, each in its order; what a person works with comes before what they administer. */
export function grouped(entries: Entry[]): Map<string, Entry[]> {
  const groups = Map.groupBy(entries.toSorted(byOrder), entry => entry.group);
  const main = groups.get("main");
  return main ? new Map([["main", main], ...groups]) : groups;
}

export const ordered = (entries: Entry[]): Entry[] => [...grouped(entries).values()].flat();

/** The entry that a page belongs to: of `/admin` and `/admin/users`, the longer one that fits. */
export function currentPath(entries: Entry[], pathname: string): string | undefined {
  const fitting = entries.filter(({ path }) => pathname === path || pathname.startsWith(`${path}/`));
  return fitting.toSorted((a, b) => b.path.length - a.path.length)[0]?.path;
}

const byOrder = (a: Entry, b: Entry) => a.order - b.order;
