import { useApp } from "@seamark/app";
import { Icon, SpokenOnly } from "@seamark/ui";
import { TriangleAlert } from "lucide-react";
import { Link, useLocation } from "react-router";
import { currentPath, grouped } from "./entries";
import styles from "./Navigation.module.css";
import { texts } from "./texts";

/** What the enabled modules contribute and this person may use, by group. */
export function Navigation() {
  const { navigation, unavailable } = useApp();
  const { pathname } = useLocation();
  const current = currentPath(navigation, pathname);
  return (
    <nav aria-label={texts.navigation} className={styles.navigation}>
      {[...grouped(navigation)].map(([group, items]) => (
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
                  {unavailable.includes(item.module) && (
                    <span className={styles.mark} title={texts.unavailable}>
                      <TriangleAlert size={16} aria-hidden="true" />
                      <SpokenOnly>: {texts.unavailable}</SpokenOnly>
                    </span>
                  )}
                </Link>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </nav>
  );
}
