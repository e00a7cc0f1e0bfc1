import type { FrontendModule } from "@seamark/app";
import { lazy } from "react";

const module: FrontendModule = {
  name: "notifications",
  pages: {
    "/notifications": lazy(() => import("./NoticesPage")),
  },
  header: lazy(() => import("./Bell")),
};
export default module;
