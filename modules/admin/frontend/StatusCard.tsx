import { Loaded, useCan } from "@seamark/app";
import { Alert, Card, Skeleton } from "@seamark/ui";
import { useQuery } from "@tanstack/react-query";
import { Activity } from "lucide-react";
import { healthQuery } from "./installation";
import { texts } from "./texts";
import { statusTones } from "./tones";

/** On the start page of those who look after the installation. */
export default function StatusCard() {
  return useCan("admin.health.view") ? <HealthCard /> : null;
}

/** Whether all is well, in one line, and what is not. */
export function HealthCard() {
  const health = useQuery(healthQuery);
  return (
    <Card title={texts.health} icon={Activity} more={{ to: "/admin/status", label: texts.details }}>
      <Loaded query={health} skeleton={<Skeleton lines={2} />}>
        {({ status, checks }) => (
          <Alert tone={statusTones[status]} title={texts.overall[status]}>
            {checks
              .filter(check => check.status !== "ok")
              .map(check => (
                <p key={check.name}>
                  <code>{check.name}</code> {check.remark}
                </p>
              ))}
          </Alert>
        )}
      </Loaded>
    </Card>
  );
}
