import { Problem } from "@seamark/api-client";
import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { appQuery } from "./app";

const RETRIES = 2;

/** Retries what may pass, keeps quiet about the rest, and notices when a session has ended. */
export function createQueryClient(): QueryClient {
  const noticeSignedOut = (error: Error) => {
    if (!(error instanceof Problem) || error.status !== 401) return;
    // The shell shows the sign-in page to whoever is nobody, and comes back here afterwards.
    client.setQueryData(appQuery.queryKey, app => (app ? { ...app, user: null } : app));
  };
  const client = new QueryClient({
    queryCache: new QueryCache({ onError: noticeSignedOut }),
    mutationCache: new MutationCache({ onError: noticeSignedOut }),
    defaultOptions: {
      // Offline, a request fails and says so, instead of waiting unseen for the network and then changing something.
      mutations: { networkMode: "always" },
      queries: {
        networkMode: "always",
        refetchOnReconnect: true,
        staleTime: 10_000,
        retry: (failures, error) => failures < RETRIES && error instanceof Problem && error.isPassing,
      },
    },
  });
  return client;
}
