import type { FrontendModule } from "@seamark/app";
import { lazy } from "react";

const module: FrontendModule = {
  name: "background_tasks",
  pages: {
    "/background_tasks": lazy(() => import("./list/TaskList")),
    "/background_tasks/queues": lazy(() => import("./queues/Queues")),
    "/background_tasks/workers": lazy(() => import("./Workers")),
    "/background_tasks/schedules": lazy(() => import("./Schedules")),
    "/background_tasks/tasks/{id}": lazy(() => import("./task/TaskPage")),
  },
};
export default module;
