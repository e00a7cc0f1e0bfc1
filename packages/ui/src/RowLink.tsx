import type { ComponentProps } from "react";
import { Link } from "react-router";
import styles from "./RowLink.module.css";

/** The link in a table row's heading; its area is the whole row. */
export function RowLink(props: ComponentProps<typeof Link>) {
  return <Link {...props} className={styles.link} />;
}
