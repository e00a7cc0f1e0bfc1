import { Problem } from "@seamark/api-client";
import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { appQuery } from "./app";

const RETRIES = 2;
/** Milliseconds after which a page asks again for what its module could not give. */
const ASK_AGAIN_AFTER = 5_000;

/** Whether the module that was asked does not work just now, while the others do. */
export const isUnavailable = (error: unknown): boolean =>
  error instanceof Problem && error.code === "module.unavailable";

/** Retries what may pass, keeps quiet about the rest, and notices when a session has ended. */
export function createQueryClient(): QueryClient {
  const noticeSignedOut = (error: Error) => {
    if (!(error instanceof Problem) || error.status !== 401) return;
    // The shell shows the sign-in page to whoever is nobody, and comes back here afterwards.
    client.setQueryData(appQuery.queryKey, app => (app ? { ...app, user: null } : app));
  };
  const noticeUnavailable = (error: Error) => {
    if (isUnavailable(error)) void client.invalidateQueries({ queryKey: appQuery.queryKey });
  };
  const onError = (error: Error) => {
    noticeSignedOut(error);
    noticeUnavailable(error);
  };
  const client = new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      // Offline, a request fails and says so, instead of waiting unseen for the network and then changing something.
      mutations: { networkMode: "always" },
      queries: {
        networkMode: "always",
        refetchOnReconnect: true,
        staleTime: 10_000,
        retry: (failures, error) =>
          failures < RETRIES && error instanceof Problem && error.isPassing && !isUnavailable(error),
        // So the page comes back by itself.
        refetchInterval: query => isUnavailable(query.state.error) && ASK_AGAIN_AFTER,
      },
    },
  });
  return client;
}
