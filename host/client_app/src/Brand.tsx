import styles from "./Brand.module.css";
import { texts } from "./texts";

/** A beacon above the water line, and the name. */
export function Brand() {
  return (
    <span className={styles.brand}>
      <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
        <circle className={styles.light} cx="16" cy="6.5" r="4" />
        <path className={styles.tower} d="M13.4 12.5h5.2l2.6 12H10.8z" />
        <path
          className={styles.water}
          d="M3 27.2c2.6-2.2 4.7-2.2 6.5-.6s4.3 1.6 6.5 0 4.6-1.6 6.5 0 4.1 1.6 6.5-.6"
        />
      </svg>
      {texts.name}
    </span>
  );
}
