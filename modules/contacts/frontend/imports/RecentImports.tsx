import { Loaded } from "@seamark/app";
import { formatNumber, Skeleton, Time } from "@seamark/ui";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { texts } from "../texts";
import { ImportBadge } from "./ImportBadge";
import { importPath, importsQuery } from "./imports";
import styles from "./RecentImports.module.css";

export function RecentImports() {
  const imports = useQuery(importsQuery);
  return (
    <Loaded query={imports} skeleton={<Skeleton lines={3} />}>
      {({ items }) =>
        items.length === 0 ? (
          <p className={styles.empty}>{texts.noImports}</p>
        ) : (
          <ul className={styles.list}>
            {items.map(item => (
              <li key={item.id}>
                <Link to={importPath(item.id)} className={styles.file}>
                  {item.filename}
                </Link>
                <ImportBadge status={item.status} />
                <span className={styles.detail}>
                  {texts.rows(formatNumber(item.processed))} · <Time value={item.created_at} />
                </span>
              </li>
            ))}
          </ul>
        )
      }
    </Loaded>
  );
}
