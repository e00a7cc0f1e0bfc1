import { type Answer, api, body } from "@seamark/api-client";
import { keepPreviousData, queryOptions } from "@tanstack/react-query";

export type TaskItem = Answer<"/api/background_tasks/tasks">["items"][number];
export type TaskDetail = Answer<"/api/background_tasks/tasks/{id}">;
export type TaskStatus = TaskItem["status"];
export type Attempt = TaskDetail["attempts"][number];
export type Summary = Answer<"/api/background_tasks/summary">;
export type QueueItem = Answer<"/api/background_tasks/queues">["items"][number];
export type Samples = Answer<"/api/background_tasks/queues/samples">;
export type WorkerItem = Answer<"/api/background_tasks/workers">["items"][number];
export type ScheduleItem = Answer<"/api/background_tasks/schedules">["items"][number];

/** All that is cached of this module, so that one call makes it fresh. */
export const everything = ["background_tasks"];
export const DEFAULT_SORT = "-created_at";
/** A worker or a beat that has been silent for longer is taken for gone. */
export const SILENT_AFTER = 90_000;

const SOON = 3_000;
const SLOWLY = 15_000;

export interface TaskFilters {
  status?: TaskStatus | undefined;
  module?: string | undefined;
  queue?: string | undefined;
  name?: string | undefined;
  correlation_id?: string | undefined;
  schedule?: string | undefined;
  q?: string | undefined;
  sort?: string | undefined;
  cursor?: string | undefined;
}

export const tasksQuery = (query: TaskFilters) =>
  queryOptions({
    queryKey: [...everything, "list", query],
    queryFn: ({ signal }) =>
      body(api.GET("/api/background_tasks/tasks", { params: { query: { ...query, limit: 25 } }, signal })),
    placeholderData: keepPreviousData,
    refetchInterval: SOON,
  });

export const taskQuery = (id: string) =>
  queryOptions({
    queryKey: [...everything, "one", id],
    queryFn: ({ signal }) =>
      body(api.GET("/api/background_tasks/tasks/{id}", { params: { path: { id } }, signal })),
    refetchInterval: ({ state }) => (state.data && hasEnded(state.data.status) ? SLOWLY : 1_000),
  });

export const summaryQuery = queryOptions({
  queryKey: [...everything, "summary"],
  queryFn: ({ signal }) => body(api.GET("/api/background_tasks/summary", { signal })),
  refetchInterval: SOON,
});

export const queuesQuery = queryOptions({
  queryKey: [...everything, "queues"],
  queryFn: ({ signal }) => body(api.GET("/api/background_tasks/queues", { signal })),
  refetchInterval: SOON,
});

export const samplesQuery = queryOptions({
  queryKey: [...everything, "samples"],
  queryFn: ({ signal }) => body(api.GET("/api/background_tasks/queues/samples", { signal })),
  refetchInterval: SLOWLY,
});

export const workersQuery = queryOptions({
  queryKey: [...everything, "workers"],
  queryFn: ({ signal }) => body(api.GET("/api/background_tasks/workers", { signal })),
  refetchInterval: SOON,
});

export const schedulesQuery = queryOptions({
  queryKey: [...everything, "schedules"],
  queryFn: ({ signal }) => body(api.GET("/api/background_tasks/schedules", { signal })),
  refetchInterval: SLOWLY,
});

export const taskPath = (id: string) => `/background_tasks/tasks/${id}`;
export const listPath = (filters: Record<string, string>) =>
  `/background_tasks?${new URLSearchParams(filters)}`;

export const hasEnded = (status: TaskStatus) =>
  status === "succeeded" || status === "failed" || status === "cancelled";
