import { type Answer, api, body } from "@seamark/api-client";
import type { ListState } from "@seamark/app";
import { keepPreviousData, queryOptions } from "@tanstack/react-query";

export type Account = Answer<"/api/users/accounts">["items"][number];
export type Role = Answer<"/api/users/roles">[number];
export type Permission = Answer<"/api/users/permissions">[number];

/** All that is cached of people and roles: a change to one may show in the other. */
export const peopleKey = ["admin", "people"];

export const accountsQuery = ({ q, sort, cursor }: Pick<ListState, "q" | "sort" | "cursor">) =>
  queryOptions({
    queryKey: [...peopleKey, "accounts", { q, sort, cursor }],
    queryFn: ({ signal }) =>
      body(api.GET("/api/users/accounts", { params: { query: { q, sort, cursor } }, signal })),
    placeholderData: keepPreviousData,
  });

export const rolesQuery = queryOptions({
  queryKey: [...peopleKey, "roles"],
  queryFn: ({ signal }) => body(api.GET("/api/users/roles", { signal })),
});

export const permissionsQuery = queryOptions({
  queryKey: [...peopleKey, "permissions"],
  queryFn: ({ signal }) => body(api.GET("/api/users/permissions", { signal })),
});
