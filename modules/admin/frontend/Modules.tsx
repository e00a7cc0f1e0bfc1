import { Loaded } from "@seamark/app";
import { Badge, Card, Fact, Facts, PageHeader, Skeleton, Stack } from "@seamark/ui";
import { useQuery } from "@tanstack/react-query";
import { type InstalledModule, modulesQuery } from "./installation";
import styles from "./Modules.module.css";
import { texts } from "./texts";

export default function Modules() {
  const modules = useQuery(modulesQuery);
  return (
    <>
      <PageHeader title={texts.modules} lead={texts.modulesLead} />
      <Loaded query={modules} skeleton={<Skeleton lines={4} tall />}>
        {({ items }) => (
          <Stack>
            {items.map(module => (
              <ModuleCard key={module.name} module={module} />
            ))}
          </Stack>
        )}
      </Loaded>
    </>
  );
}

function ModuleCard({ module }: { module: InstalledModule }) {
  const { name, label, version, enabled, requires } = module;
  const contributed = contributions(module);
  return (
    <Card
      title={label}
      actions={enabled ? <Badge tone="success">{texts.enabled}</Badge> : <Badge>{texts.disabled}</Badge>}
    >
      <p className={styles.about}>
        <code>{name}</code> {version}
        {requires.length > 0 && ` · ${texts.requires} ${requires.join(", ")}`}
        {module.routes > 0 && ` · ${texts.routes(module.routes)}`}
      </p>
      {contributed.length > 0 && (
        <details className={styles.details}>
          <summary>{contributed.map(([kind, names]) => texts.count[kind](names.length)).join(", ")}</summary>
          <Facts>
            {contributed.map(([kind, names]) => (
              <Fact key={kind} name={texts.kinds[kind]}>
                <ul>
                  {names.map(item => (
                    <li key={item}>
                      <code>{item}</code>
                    </li>
                  ))}
                </ul>
              </Fact>
            ))}
          </Facts>
        </details>
      )}
    </Card>
  );
}

const KINDS = ["pages", "permissions", "tasks", "schedules", "health", "checks", "commands"] as const;

function contributions(module: InstalledModule) {
  return KINDS.map(kind => [kind, module[kind]] as const).filter(([, names]) => names.length > 0);
}
