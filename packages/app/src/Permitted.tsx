import type { ReactNode } from "react";
import { useCan } from "./app";
import { Forbidden } from "./Loaded";

/** A page, or a part of one, for those who hold the permission; the others read why they see nothing. */
export function Permitted({ permission, children }: { permission: string; children: ReactNode }) {
  return useCan(permission) ? children : <Forbidden />;
}
