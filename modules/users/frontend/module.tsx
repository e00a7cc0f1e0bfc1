import type { FrontendModule } from "@seamark/app";
import { lazy } from "react";

const module: FrontendModule = {
  name: "users",
  pages: {
    "/users/sign-in": lazy(() => import("./SignIn")),
    "/users/profile": lazy(() => import("./Profile")),
  },
  publicPages: ["/users/sign-in"],
};
export default module;
