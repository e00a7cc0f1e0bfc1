import { api, body } from "@seamark/api-client";
import { queryOptions } from "@tanstack/react-query";

export const meQuery = queryOptions({
  queryKey: ["users", "me"],
  queryFn: ({ signal }) => body(api.GET("/api/users/me", { signal })),
});

export const sessionsQuery = queryOptions({
  queryKey: ["users", "sessions"],
  queryFn: ({ signal }) => body(api.GET("/api/users/me/sessions", { signal })),
});
