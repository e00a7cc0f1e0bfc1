import { Badge, type Tone } from "@seamark/ui";
import { texts } from "../texts";
import type { Import } from "./imports";

const tones: Record<Import["status"], Tone> = {
  queued: "info",
  running: "info",
  succeeded: "success",
  failed: "danger",
  cancelled: "warning",
};

export function ImportBadge({ status }: { status: Import["status"] }) {
  return <Badge tone={tones[status]}>{texts.statuses[status]}</Badge>;
}
