import { api, body, Problem } from "@seamark/api-client";
import { useToast } from "@seamark/ui";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { everything } from "./tasks";
import { texts } from "./texts";

/** Run again, cancel, run all dead letters of a kind again: each says what came of it. */
export function useTaskActions() {
  const client = useQueryClient();
  const toast = useToast();
  const refresh = () => client.invalidateQueries({ queryKey: everything });
  const shared = {
    onError: (error: Error) => {
      const message = error instanceof Problem && error.detail ? error.detail : texts.notDone;
      toast({ message, tone: "danger" as const });
      return refresh();
    },
  };

  return {
    retry: useMutation({
      ...shared,
      mutationFn: (id: string) =>
        api.POST("/api/background_tasks/tasks/{id}/retry", { params: { path: { id } } }),
      onSuccess: () => {
        toast({ message: texts.retriedOne });
        return refresh();
      },
    }),
    cancel: useMutation({
      ...shared,
      mutationFn: (id: string) =>
        api.POST("/api/background_tasks/tasks/{id}/cancel", { params: { path: { id } } }),
      onSuccess: () => {
        toast({ message: texts.cancelledOne });
        return refresh();
      },
    }),
    retryAll: useMutation({
      ...shared,
      mutationFn: retryEach,
      onSuccess: retried => {
        toast({ message: texts.retried(retried) });
        return refresh();
      },
    }),
  };
}

/** A call deals with a thousand; returns how many there were. */
async function retryEach(name: string): Promise<number> {
  const { retried, more } = await body(api.POST("/api/background_tasks/tasks/retry", { body: { name } }));
  return retried + (more ? await retryEach(name) : 0);
}
