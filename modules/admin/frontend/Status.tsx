import { Loaded } from "@seamark/app";
import { Alert, Badge, Button, type Column, PageHeader, Skeleton, Stack, Table } from "@seamark/ui";
import { useQuery } from "@tanstack/react-query";
import { RefreshCw } from "lucide-react";
import { type HealthResult, healthQuery } from "./installation";
import { texts } from "./texts";
import { statusTones } from "./tones";

const columns: Column<HealthResult>[] = [
  { key: "name", header: texts.check, narrow: true, cell: row => <code>{row.name}</code> },
  {
    key: "status",
    header: texts.status,
    narrow: true,
    cell: row => <Badge tone={statusTones[row.status]}>{texts.statuses[row.status]}</Badge>,
  },
  { key: "remark", header: texts.remark, cell: row => row.remark },
  { key: "critical", header: texts.critical, cell: row => (row.critical ? texts.yes : texts.no) },
  { key: "took", header: texts.took, align: "end", narrow: true, cell: row => `${row.milliseconds} ms` },
];

export default function Status() {
  const health = useQuery(healthQuery);
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
      <Loaded query={health} skeleton={<Skeleton lines={4} tall />}>
        {({ status, checks }) => (
          <Stack>
            <Alert tone={statusTones[status]} title={texts.overall[status]} />
            <Table caption={texts.health} columns={columns} rows={checks} rowKey={row => row.name} />
          </Stack>
        )}
      </Loaded>
    </>
  );
}
