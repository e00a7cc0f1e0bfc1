import type { ReactNode } from "react";
import type { Tone } from "./Alert";
import styles from "./Badge.module.css";

/** A state or a label in a word or two. */
export function Badge({ tone = "plain", children }: { tone?: Tone | "plain"; children: ReactNode }) {
  return <span className={`${styles.badge} ${styles[tone]}`}>{children}</span>;
}

export function Badges({ items }: { items: string[] }) {
  if (items.length === 0) return null;
  return (
    <ul className={styles.badges}>
      {items.map(item => (
        <li key={item}>
          <Badge>{item}</Badge>
        </li>
      ))}
    </ul>
  );
}
