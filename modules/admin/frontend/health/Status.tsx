import { Loaded, useCan } from "@seamark/app";
import { Alert, Badge, Button, type Column, PageHeader, Skeleton, Stack, Table, Time } from "@seamark/ui";
import { useQuery } from "@tanstack/react-query";
import { RefreshCw } from "lucide-react";
import { type HealthResult, healthQuery } from "../installation";
import { texts } from "../texts";
import { statusTones } from "../tones";
import { HealthHistory } from "./HealthHistory";
import { ProfileCard } from "./ProfileCard";
import styles from "./Status.module.css";

const columns: Column<HealthResult>[] = [
  {
    key: "name",
    header: texts.check,
    cell: row => (
      <div className={styles.check}>
        <code>{row.name}</code>
        <span className={styles.affects}>
          {row.status === "ok" ? texts.ifItFails(row.affects) : row.affects}
        </span>
      </div>
    ),
  },
  {
    key: "status",
    header: texts.status,
    cell: row => (
      <div className={styles.badges}>
        <Badge tone={statusTones[row.status]}>{texts.statuses[row.status]}</Badge>
        {row.critical && <Badge>{texts.critical}</Badge>}
        {row.closes_module && <Badge>{texts.closes}</Badge>}
      </div>
    ),
  },
  { key: "remark", header: texts.remark, cell: row => row.remark },
  { key: "since", header: texts.since, narrow: true, cell: row => row.since && <Time value={row.since} /> },
  { key: "took", header: texts.took, align: "end", narrow: true, cell: row => `${row.milliseconds} ms` },
];

export default function Status() {
  const health = useQuery(healthQuery);
  const canProfile = useCan("admin.profile");
  return (
    <>
      <PageHeader
        title={texts.health}
        lead={texts.healthLead}
        actions={
          <Button icon={RefreshCw} busy={health.isFetching} onClick={() => health.refetch()}>
            {texts.checkNow}
          </Button>
        }
      />
      <Stack>
        <Loaded query={health} skeleton={<Skeleton lines={4} tall />}>
          {({ status, checks }) => (
            <>
              <Alert tone={statusTones[status]} title={texts.overall[status]} />
              <Table caption={texts.health} columns={columns} rows={checks} rowKey={row => row.name} />
            </>
          )}
        </Loaded>
        <HealthHistory />
        {canProfile && <ProfileCard />}
      </Stack>
    </>
  );
}
