import { type Answer, api, body } from "@seamark/api-client";
import { useToast } from "@seamark/ui";
import { keepPreviousData, queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { texts } from "./texts";

export type Notice = Answer<"/api/notifications">["items"][number];

const ASK_EVERY = 30_000;
const key = ["notifications"];

const unreadQuery = queryOptions({
  queryKey: [...key, "unread"],
  queryFn: ({ signal }) => body(api.GET("/api/notifications/unread", { signal })),
  // Pauses by itself while the window is hidden, and asks again when it has the focus.
  refetchInterval: ASK_EVERY,
});

/** How many notices the person has not seen, kept fresh. */
export const useUnread = (): number | undefined => useQuery(unreadQuery).data?.count;

/** A page of them; when the number of unread ones changes, it is fetched anew. */
export const noticesQuery = (unread: number | undefined, limit: number, cursor?: string) =>
  queryOptions({
    queryKey: [...key, "list", { limit, cursor, unread }],
    queryFn: ({ signal }) =>
      body(api.GET("/api/notifications", { params: { query: { limit, cursor } }, signal })),
    placeholderData: keepPreviousData,
  });

const params = (id: string) => ({ params: { path: { id } } });

export const useMarkRead = () =>
  useChange((id: string) => api.POST("/api/notifications/{id}/read", params(id)));
export const useMarkAllRead = () => useChange(() => api.POST("/api/notifications/read"));
export const useDelete = () => useChange((id: string) => api.DELETE("/api/notifications/{id}", params(id)));

function useChange<T = void>(change: (what: T) => Promise<unknown>) {
  const client = useQueryClient();
  const toast = useToast();
  return useMutation({
    mutationFn: change,
    onError: () => toast({ message: texts.notChanged, tone: "danger" }),
    onSettled: () => client.invalidateQueries({ queryKey: key }),
  });
}
