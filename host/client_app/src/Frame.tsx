import type { ReactNode } from "react";
import { Brand } from "./Brand";
import styles from "./Frame.module.css";

/** What surrounds a page while nobody is signed in: the name, a card, and the depth lines of a sea chart. */
export function Frame({ children }: { children: ReactNode }) {
  return (
    <div className={styles.frame}>
      <svg
        className={styles.chart}
        viewBox="0 0 1200 400"
        preserveAspectRatio="xMidYMax slice"
        aria-hidden="true"
      >
        <path d="M0 400V214c130-66 262-74 402-30 178 56 292 40 430-22 132-60 252-58 368-6v244z" />
        <path d="M0 400V262c142-58 276-60 408-20 172 52 304 34 428-22 124-56 246-50 364-2v182z" />
        <path d="M0 400V316c150-48 290-46 414-10 166 48 310 28 426-20 116-48 236-44 360 2v112z" />
        <path d="M0 400V366c156-34 300-32 420-4 160 38 318 20 424-18 110-38 228-34 356 6v50z" />
      </svg>
      <main className={styles.content}>
        <Brand />
        <div className={styles.card}>{children}</div>
      </main>
    </div>
  );
}
