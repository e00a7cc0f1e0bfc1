import type { Tone } from "@seamark/ui";
import type { Finding, HealthResult } from "./installation";

export const statusTones: Record<HealthResult["status"], Tone> = {
  ok: "success",
  degraded: "warning",
  failed: "danger",
};
export const levelTones: Record<Finding["level"], Tone> = {
  info: "info",
  warning: "warning",
  error: "danger",
};
