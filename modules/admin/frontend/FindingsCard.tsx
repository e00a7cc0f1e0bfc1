import { Loaded } from "@seamark/app";
import { Alert, Card, Skeleton } from "@seamark/ui";
import { useQuery } from "@tanstack/react-query";
import { Stethoscope } from "lucide-react";
import { counted, type Finding, findingsQuery } from "./installation";
import { texts } from "./texts";
import { levelTones } from "./tones";

const LEVELS: Finding["level"][] = ["error", "warning", "info"];

export function FindingsCard() {
  const findings = useQuery(findingsQuery);
  return (
    <Card title={texts.findings} icon={Stethoscope} more={{ to: "/admin/findings", label: texts.details }}>
      <Loaded query={findings} skeleton={<Skeleton lines={2} />}>
        {({ items }) => {
          const found = counted(items);
          const worst = LEVELS.find(level => found.some(finding => finding.level === level));
          return worst ? (
            <Alert tone={levelTones[worst]} title={texts.found(found.length)}>
              {found.slice(0, 3).map(finding => (
                <p key={finding.code + finding.message}>
                  <code>{finding.code}</code> {finding.title}
                </p>
              ))}
            </Alert>
          ) : (
            <Alert tone="success" title={texts.nothingFound} />
          );
        }}
      </Loaded>
    </Card>
  );
}
