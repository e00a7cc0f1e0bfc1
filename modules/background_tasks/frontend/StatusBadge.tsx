import { Badge, type Tone } from "@seamark/ui";
import type { TaskItem, TaskStatus } from "./tasks";
import { texts } from "./texts";

const tones: Record<TaskStatus, Tone | "plain"> = {
  queued: "plain",
  scheduled: "plain",
  retrying: "warning",
  parked: "warning",
  running: "info",
  succeeded: "success",
  failed: "danger",
  cancelled: "plain",
};

export function StatusBadge({ task }: { task: Pick<TaskItem, "status" | "cancel_requested"> }) {
  if (task.cancel_requested && (task.status === "running" || task.status === "queued"))
    return <Badge tone="warning">{texts.cancelling}</Badge>;
  return <Badge tone={tones[task.status]}>{texts.statuses[task.status]}</Badge>;
}
