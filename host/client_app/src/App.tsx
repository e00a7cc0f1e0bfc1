import { AppContext, appQuery, FailureState, SIGN_IN, useApp } from "@seamark/app";
import { NavigatedContext, Skeleton } from "@seamark/ui";
import { useQuery } from "@tanstack/react-query";
import { Suspense, useLayoutEffect, useState } from "react";
import { useLocation, useNavigationType } from "react-router";
import { Dashboard } from "./Dashboard";
import { ErrorBoundary } from "./ErrorBoundary";
import { Frame } from "./Frame";
import { ModulePages } from "./ModulePages";
import { moduleOf } from "./modules";
import { NotFound } from "./NotFound";
import { Shell } from "./Shell";
import { SignInFirst } from "./SignInFirst";

const TRY_AGAIN_AFTER = 5_000;

/** Finds out who is there, then shows the page that the address names. */
export function App() {
  const app = useQuery({
    ...appQuery,
    refetchInterval: ({ state }) =>
      (state.status === "error" || (state.data?.unavailable.length ?? 0) > 0) && TRY_AGAIN_AFTER,
  });

  if (app.data) {
    return (
      <AppContext value={app.data}>
        {app.data.user ? (
          <Shell>
            <Page />
          </Shell>
        ) : (
          <Frame>
            <Page />
          </Frame>
        )}
      </AppContext>
    );
  }
  return (
    <Frame>
      {app.isError ? (
        <FailureState error={app.error} onRetry={() => void app.refetch()} />
      ) : (
        <Skeleton lines={4} />
      )}
    </Frame>
  );
}

function Page() {
  const { pathname } = useLocation();
  const navigated = useNavigated(pathname);
  return (
    <NavigatedContext value={navigated}>
      {/* Outside the key: the old page stays until the new one has been loaded. */}
      <Suspense fallback={<Skeleton lines={6} />}>
        <ErrorBoundary key={pathname}>
          <Content name={moduleOf(pathname)} />
        </ErrorBoundary>
      </Suspense>
    </NavigatedContext>
  );
}

function Content({ name }: { name: string }) {
  const app = useApp();
  if (app.modules.includes(name)) return <ModulePages name={name} />;
  if (!app.user && name !== moduleOf(SIGN_IN)) return <SignInFirst />;
  return name === "" ? <Dashboard /> : <NotFound />;
}

/** Whether the page has changed since the browser loaded it; a new page begins at its top. */
function useNavigated(pathname: string): boolean {
  const [first] = useState(pathname);
  const [navigated, setNavigated] = useState(false);
  const kind = useNavigationType();
  if (pathname !== first && !navigated) setNavigated(true);

  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each page, not for each way to it.
  useLayoutEffect(() => {
    if (kind !== "POP") window.scrollTo(0, 0);
  }, [pathname]);
  return navigated;
}
