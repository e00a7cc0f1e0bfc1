import { type Answer, api, body } from "@seamark/api-client";
import { queryOptions } from "@tanstack/react-query";
import { createContext, useContext } from "react";

/** What this installation is, which modules it runs, and who is using it. */
export type AppInfo = Answer<"/api/app">;
export type User = NonNullable<AppInfo["user"]>;

export const appQuery = queryOptions({
  queryKey: ["app"],
  queryFn: async ({ signal }) => {
    const app = await body(api.GET("/api/app", { signal }));
    // While a release replaces another, one that does not know the word may answer.
    return { ...app, unavailable: app.unavailable ?? [] };
  },
  staleTime: 60_000,
});

export const AppContext = createContext<AppInfo | null>(null);

export function useApp(): AppInfo {
  const app = useContext(AppContext);
  if (!app) throw new Error("useApp is for components inside the application's shell");
  return app;
}

/** Whether the person at the screen may do this: `useCan("contacts.write")`. The server decides; this only hides what it would refuse. */
export function useCan(permission: string): boolean {
  return useApp().user?.permissions.includes(permission) ?? false;
}
