import { useApp } from "@seamark/app";
import { Icon } from "@seamark/ui";
import { Link, useLocation } from "react-router";
import { currentPath, grouped } from "./entries";
import styles from "./Navigation.module.css";
import { texts } from "./texts";

/** What the enabled modules contribute and this person may use, by group. */
export function Navigation() {
  const { navigation } = useApp();
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
                </Link>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </nav>
  );
}
