import { Loaded } from "@seamark/app";
import { Badges, Card, Skeleton } from "@seamark/ui";
import { useQuery } from "@tanstack/react-query";
import { Boxes } from "lucide-react";
import { modulesQuery } from "./installation";
import { texts } from "./texts";

export function ModulesCard() {
  const modules = useQuery(modulesQuery);
  return (
    <Card title={texts.modules} icon={Boxes} more={{ to: "/admin/modules", label: texts.details }}>
      <Loaded query={modules} skeleton={<Skeleton lines={2} />}>
        {({ items }) => {
          const enabled = items.filter(module => module.enabled);
          return (
            <>
              <p>{texts.enabledOf(enabled.length, items.length)}</p>
              <Badges items={enabled.map(module => module.label)} />
            </>
          );
        }}
      </Loaded>
    </Card>
  );
}
