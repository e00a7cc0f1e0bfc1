import { Loaded } from "@seamark/app";
import { Badge, Card, EmptyState, PageHeader, Skeleton, Stack } from "@seamark/ui";
import { useQuery } from "@tanstack/react-query";
import { ShieldCheck } from "lucide-react";
import styles from "./Findings.module.css";
import { counted, type Finding, findingsQuery } from "./installation";
import { texts } from "./texts";
import { levelTones } from "./tones";

export default function Findings() {
  const findings = useQuery(findingsQuery);
  return (
    <>
      <PageHeader title={texts.findings} lead={texts.findingsLead} />
      <Loaded query={findings} skeleton={<Skeleton lines={4} tall />}>
        {({ items }) => {
          const found = counted(items);
          const silenced = items.filter(finding => finding.silenced !== null);
          return (
            <Stack>
              {found.length > 0 ? (
                <FindingList findings={found} />
              ) : (
                <EmptyState icon={ShieldCheck} title={texts.nothingFound}>
                  {texts.nothingFoundDetail}
                </EmptyState>
              )}
              {silenced.length > 0 && (
                <Card title={texts.silenced}>
                  <FindingList findings={silenced} />
                </Card>
              )}
            </Stack>
          );
        }}
      </Loaded>
    </>
  );
}

function FindingList({ findings }: { findings: Finding[] }) {
  return (
    <ul className={styles.list}>
      {findings.map(({ code, level, title, message, hint, owner, silenced }) => (
        <li key={code + owner + message} className={styles.finding}>
          <p className={styles.head}>
            <Badge tone={levelTones[level]}>{texts.levels[level]}</Badge>
            <code>{code}</code>
            <span>{title}</span>
            <small>{owner}</small>
          </p>
          <p>{message}</p>
          {hint && <p className={styles.hint}>→ {hint}</p>}
          {silenced && <p className={styles.hint}>{texts.accepted(silenced)}</p>}
        </li>
      ))}
    </ul>
  );
}
