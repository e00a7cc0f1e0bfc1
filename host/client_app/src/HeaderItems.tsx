import { useApp } from "@seamark/app";
import { Suspense, use } from "react";
import { ErrorBoundary } from "./ErrorBoundary";
import { loadModule } from "./modules";

/** What the enabled modules put into the header, in their order. */
export function HeaderItems() {
  const { modules } = useApp();
  return modules.map(name => (
    <ErrorBoundary key={name} fallback={null}>
      <Suspense fallback={null}>
        <HeaderItem name={name} />
      </Suspense>
    </ErrorBoundary>
  ));
}

function HeaderItem({ name }: { name: string }) {
  const Contributed = use(loadModule(name))?.header;
  return Contributed && <Contributed />;
}
