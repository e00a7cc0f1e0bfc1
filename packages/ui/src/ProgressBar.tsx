import styles from "./ProgressBar.module.css";

interface ProgressBarProps {
  label: string;
  /** Undefined while nobody knows how far it is. */
  value?: number | undefined;
  max?: number;
}

export function ProgressBar({ label, value, max = 100 }: ProgressBarProps) {
  return <progress aria-label={label} className={styles.bar} value={value} max={max} />;
}
