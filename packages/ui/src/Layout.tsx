import type { ReactNode } from "react";
import styles from "./Layout.module.css";

interface LayoutProps {
  children: ReactNode;
}

/** One below the other. */
export const Stack = ({ children }: LayoutProps) => <div className={styles.stack}>{children}</div>;

/** Side by side, wrapping where there is no room. */
export const Cluster = ({ children }: LayoutProps) => <div className={styles.cluster}>{children}</div>;

/** For people who listen, not for those who look. */
export const SpokenOnly = ({ children }: LayoutProps) => <span className={styles.spoken}>{children}</span>;

/** Equal columns, as many as there is room for. */
export const Grid = ({ children }: LayoutProps) => <div className={styles.grid}>{children}</div>;
