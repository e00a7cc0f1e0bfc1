import { type Answer, api, body, Problem, type paths } from "@seamark/api-client";
import type { ListState } from "@seamark/app";
import { keepPreviousData, queryOptions } from "@tanstack/react-query";

export type InstalledModule = Answer<"/api/admin/modules">["items"][number];
export type Finding = Answer<"/api/admin/findings">["items"][number];
export type Health = paths["/admin/health"]["get"]["responses"][200]["content"]["application/json"];
export type HealthResult = Health["checks"][number];

export const modulesQuery = queryOptions({
  queryKey: ["admin", "modules"],
  queryFn: ({ signal }) => body(api.GET("/api/admin/modules", { signal })),
});

export const findingsQuery = queryOptions({
  queryKey: ["admin", "findings"],
  queryFn: ({ signal }) => body(api.GET("/api/admin/findings", { signal })),
});

export type HealthChange = Answer<"/api/admin/health/changes">["items"][number];
export const DEFAULT_SORT = "-at";

export const healthChangesQuery = ({ q, sort, cursor }: Pick<ListState, "q" | "sort" | "cursor">) =>
  queryOptions({
    queryKey: ["admin", "health", "changes", { q, sort, cursor }],
    queryFn: ({ signal }) =>
      body(api.GET("/api/admin/health/changes", { params: { query: { q, sort, cursor } }, signal })),
    placeholderData: keepPreviousData,
    refetchInterval: 15_000,
  });

export const healthQuery = queryOptions({
  queryKey: ["admin", "health", "now"],
  queryFn: ({ signal }) => fetchHealth(signal),
  refetchInterval: 15_000,
});

/** Not by the API client, which takes a 503 for a failure: here it is the answer. */
async function fetchHealth(signal: AbortSignal): Promise<Health> {
  const response = await fetch("/admin/health", { headers: { accept: "application/json" }, signal }).catch(
    error => {
      throw signal.aborted ? error : Problem.unreachable();
    },
  );
  const isReport = response.headers.get("content-type")?.startsWith("application/json");
  if (isReport && (response.ok || response.status === 503)) return response.json();
  throw await Problem.fromResponse(response);
}

/** Those that count: a silenced finding has been accepted, with a reason. */
export const counted = (findings: Finding[]) => findings.filter(finding => finding.silenced === null);
