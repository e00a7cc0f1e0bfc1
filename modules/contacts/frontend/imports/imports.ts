import { type Answer, api, body } from "@seamark/api-client";
import { queryOptions } from "@tanstack/react-query";

export type Import = Answer<"/api/contacts/imports/{id}">;

export const importsKey = ["contacts", "imports"];

export const importsQuery = queryOptions({
  queryKey: [...importsKey, "recent"],
  queryFn: ({ signal }) =>
    body(api.GET("/api/contacts/imports", { params: { query: { limit: 10 } }, signal })),
});

export const importQuery = (id: string) =>
  queryOptions({
    queryKey: [...importsKey, id],
    queryFn: async ({ client, signal }) => {
      const fetched = await body(api.GET("/api/contacts/imports/{id}", { params: { path: { id } }, signal }));
      return laterOf(client.getQueryData<Import>([...importsKey, id]), fetched);
    },
  });

export const isOver = ({ status }: Import) => status !== "queued" && status !== "running";

/**
 * An answer that was under way while the last event came must not bring a finished import back to life.
 * One that failed may go on, when an operator lets it.
 */
export function laterOf(known: Import | undefined, incoming: Import): Import {
  return known && isOver(known) && known.status !== "failed" && !isOver(incoming) ? known : incoming;
}

export const importPath = (id: string) => `/contacts/imports/${id}`;
