import { type AppInfo, useApp } from "@seamark/app";
import { Icon } from "@seamark/ui";
import { Link, useLocation } from "react-router";
import styles from "./Navigation.module.css";
import { texts } from "./texts";

type Item = AppInfo["navigation"][number];

/** What the enabled modules contribute and this person may use, by group. */
export function Navigation() {
  const { navigation } = useApp();
  const { pathname } = useLocation();
  const current = currentPath(navigation, pathname);
  return (
    <nav aria-label={texts.navigation} className={styles.navigation}>
      {[...groups(navigation)].map(([group, items]) => (
        <div key={group} className={styles.group}>
          {texts.groups[group] && <p className={styles.heading}>{texts.groups[group]}</p>}
          <ul>
            {items.map(item => (
              <li key={item.path}>
                <Link
                  to={item.path}
                  className={styles.link}
                  aria-current={item.path === current ? "page" : undefined}
                >
                  <Icon name={item.icon} />
                  {item.label}
                </Link>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </nav>
  );
}

/** The entry that the page belongs to: of `/admin` and `/admin/users`, the longer one that fits. */
export function currentPath(items: Item[], pathname: string): string | undefined {
  const fitting = items.filter(({ path }) => pathname === path || pathname.startsWith(`${path}/`));
  return fitting.sort((a, b) => b.path.length - a.path.length)[0]?.path;
}

function groups(items: Item[]): Map<string, Item[]> {
  const sorted = [...items].sort((a, b) => a.order - b.order);
  const grouped = Map.groupBy(sorted, item => item.group);
  const main = grouped.get("main");
  return main ? new Map([["main", main], ...grouped]) : grouped;
}
