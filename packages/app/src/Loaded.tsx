import { Problem } from "@seamark/api-client";
import { ErrorState } from "@seamark/ui";
import type { UseQueryResult } from "@tanstack/react-query";
import { CloudOff, Hourglass, Lock, SearchX, ServerCrash, Unplug } from "lucide-react";
import type { ReactNode } from "react";
import { isUnavailable } from "./queryClient";
import { texts } from "./texts";

interface LoadedProps<T> {
  query: UseQueryResult<T>;
  /** What stands in for the data meanwhile. */
  skeleton: ReactNode;
  children: (data: T) => ReactNode;
}

/** The three faces of server state. Data that has been shown stays when fetching it again fails, unless it is gone. */
export function Loaded<T>({ query, skeleton, children }: LoadedProps<T>) {
  const isGone = query.error instanceof Problem && (query.error.status === 404 || query.error.status === 403);
  if (query.data !== undefined && !isGone) return children(query.data);
  if (query.isError) return <FailureState error={query.error} onRetry={() => void query.refetch()} />;
  return skeleton;
}

/** Why something could not be shown, in words for the person at the screen. */
export function FailureState({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const problem = error instanceof Problem ? error : undefined;
  switch (problem?.status) {
    case 0:
      return (
        <ErrorState
          icon={CloudOff}
          title={texts.unreachable}
          detail={texts.unreachableDetail}
          onRetry={onRetry}
        />
      );
    case 403:
      return <Forbidden />;
    case 404:
      return (
        <ErrorState icon={SearchX} title={texts.notFound} detail={problem?.detail ?? texts.notFoundDetail} />
      );
  }
  if (isUnavailable(error)) {
    return (
      <ErrorState
        icon={Unplug}
        title={texts.unavailable}
        detail={texts.unavailableDetail}
        onRetry={onRetry}
      />
    );
  }
  if (problem?.isPassing) {
    const detail = problem.detail ?? texts.busyDetail;
    return <ErrorState icon={Hourglass} title={texts.busy} detail={detail} onRetry={onRetry} />;
  }
  const [title, detail] =
    problem && problem.status < 500 ? [problem.title, problem.detail] : [texts.broken, texts.brokenDetail];
  const shared = { icon: ServerCrash, correlationId: problem?.correlationId, onRetry };
  return <ErrorState {...shared} title={title} detail={detail} />;
}

/** What someone sees of a page that their permissions do not cover. */
export const Forbidden = () => (
  <ErrorState icon={Lock} title={texts.forbidden} detail={texts.forbiddenDetail} />
);
