import type { FrontendModule } from "@seamark/app";
import { lazy } from "react";

const module: FrontendModule = {
  name: "contacts",
  pages: {
    "/contacts": lazy(() => import("./ContactList")),
    "/contacts/new": lazy(() => import("./NewContact")),
    "/contacts/import": lazy(() => import("./imports/NewImport")),
    "/contacts/imports/{id}": lazy(() => import("./imports/ImportProgress")),
    "/contacts/{id}": lazy(() => import("./ContactPage")),
  },
  dashboard: lazy(() => import("./RecentContacts")),
};
export default module;
