import { useSearchParams } from "react-router";
import type { TaskFilters, TaskStatus } from "../tasks";
import { texts } from "../texts";

export const FILTERS = ["status", "module", "queue", "name", "correlation_id", "schedule"] as const;
export type Filter = (typeof FILTERS)[number];

const isStatus = (value: string): value is TaskStatus => value in texts.statuses;

/** What the list is narrowed to, kept in the address like its search and its page. */
export function useFilters() {
  const [params, setParams] = useSearchParams();
  const filters: Pick<TaskFilters, Filter> = {};
  for (const filter of FILTERS) {
    const value = params.get(filter);
    if (!value) continue;
    if (filter !== "status") filters[filter] = value;
    else if (isStatus(value)) filters.status = value;
  }

  function setFilter(filter: Filter, value: string) {
    const next = new URLSearchParams(params);
    if (value) next.set(filter, value);
    else next.delete(filter);
    next.delete("cursor"); // A page of what was shown before.
    setParams(next);
  }
  return { filters, setFilter };
}
