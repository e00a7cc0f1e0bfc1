import { formatNumber, ProgressBar } from "@seamark/ui";
import styles from "./Progress.module.css";
import type { TaskItem } from "./tasks";
import { texts } from "./texts";

/** How far a task is, as far as it has said so. */
export function Progress({ task }: { task: Pick<TaskItem, "done" | "total" | "note"> }) {
  const { done, total, note } = task;
  if (done === null && !note) return null;
  const words =
    done === null
      ? ""
      : total === null
        ? texts.progressDone(formatNumber(done))
        : texts.progressOf(formatNumber(done), formatNumber(total));
  return (
    <div className={styles.progress}>
      {done !== null && total !== null && <ProgressBar label={texts.progress} value={done} max={total} />}
      <small>{[words, note].filter(Boolean).join(" · ")}</small>
    </div>
  );
}
