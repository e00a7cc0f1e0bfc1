import { useApp } from "@seamark/app";
import { Card, EmptyState, Icon, PageHeader, Skeleton } from "@seamark/ui";
import { Anchor, Compass } from "lucide-react";
import { Suspense, use } from "react";
import { Link } from "react-router";
import styles from "./Dashboard.module.css";
import { ErrorBoundary } from "./ErrorBoundary";
import { ordered } from "./entries";
import { loadModule } from "./modules";
import { texts } from "./texts";

/** The start page: what the enabled modules have to say, and the ways to them. */
export function Dashboard() {
  const { modules, navigation, user } = useApp();
  const entries = ordered(navigation);
  // Cards come in the order of the navigation, then those of modules that are not in it.
  const sorted = new Set([...entries.map(entry => entry.module), ...modules]);
  const first = user?.name.split(" ")[0] ?? "";
  return (
    <>
      <PageHeader title={texts.greeting(new Date().getHours(), first)} lead={texts.dashboard} />
      {entries.length === 0 ? (
        <EmptyState icon={Anchor} title={texts.dashboardEmpty}>
          {texts.dashboardEmptyDetail}
        </EmptyState>
      ) : (
        <div className={styles.cards}>
          {[...sorted].map(name => (
            <ErrorBoundary key={name}>
              <Suspense fallback={null}>
                <ModuleCard name={name} />
              </Suspense>
            </ErrorBoundary>
          ))}
          <Card title={texts.quickLinks} icon={Compass}>
            <ul className={styles.links}>
              {entries.map(item => (
                <li key={item.path}>
                  <Link to={item.path}>
                    <Icon name={item.icon} />
                    {item.label}
                  </Link>
                </li>
              ))}
            </ul>
          </Card>
        </div>
      )}
    </>
  );
}

function ModuleCard({ name }: { name: string }) {
  const Contributed = use(loadModule(name))?.dashboard;
  return (
    Contributed && (
      <Suspense
        fallback={
          <Card>
            <Skeleton />
          </Card>
        }
      >
        <Contributed />
      </Suspense>
    )
  );
}
