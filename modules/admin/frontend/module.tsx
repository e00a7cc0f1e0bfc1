import type { FrontendModule } from "@seamark/app";
import { lazy } from "react";

const module: FrontendModule = {
  name: "admin",
  pages: {
    "/admin": lazy(() => import("./Overview")),
    "/admin/modules": lazy(() => import("./Modules")),
    "/admin/status": lazy(() => import("./health/Status")),
    "/admin/findings": lazy(() => import("./Findings")),
    "/admin/users": lazy(() => import("./people/People")),
  },
  dashboard: lazy(() => import("./StatusCard")),
};
export default module;
