import { Loaded } from "@seamark/app";
import { Alert, Badge, type Column, EmptyState, Skeleton, Stack, Table, Time } from "@seamark/ui";
import { useQuery } from "@tanstack/react-query";
import { CalendarClock } from "lucide-react";
import { Link } from "react-router";
import { BEAT, Command } from "./Command";
import { formatExact } from "./durations";
import { StatusBadge } from "./StatusBadge";
import { listPath, type ScheduleItem, SILENT_AFTER, schedulesQuery, taskPath } from "./tasks";
import { texts } from "./texts";
import { Views } from "./Views";

const columns: Column<ScheduleItem>[] = [
  {
    key: "entry",
    header: texts.schedule,
    cell: row => (
      <>
        <Link to={listPath({ schedule: row.entry })}>{row.entry}</Link>{" "}
        {row.gone && <Badge tone="warning">{texts.gone}</Badge>}
      </>
    ),
  },
  { key: "timing", header: texts.timing, cell: row => row.timing },
  { key: "missed", header: texts.missed, cell: row => texts.missedPolicies[row.missed] ?? row.missed },
  {
    key: "next_due_at",
    header: texts.nextDue,
    cell: row =>
      row.next_due_at && !row.gone && <span title={texts.nextDue}>{formatExact(row.next_due_at)}</span>,
  },
  {
    key: "last_due_at",
    header: texts.lastDue,
    cell: row => row.last_due_at && <Time value={row.last_due_at} />,
  },
  {
    key: "last",
    header: texts.lastResult,
    narrow: true,
    cell: ({ last_run }) =>
      last_run && (
        <Link to={taskPath(last_run.id)}>
          <StatusBadge task={{ status: last_run.status, cancel_requested: false }} />
        </Link>
      ),
  },
];

export default function Schedules() {
  const schedules = useQuery(schedulesQuery);
  return (
    <>
      <Views title={texts.schedules} lead={texts.schedulesLead} />
      <Loaded query={schedules} skeleton={<Skeleton lines={4} tall />}>
        {({ items, beat_seen_at }) =>
          items.length === 0 ? (
            <EmptyState icon={CalendarClock} title={texts.schedulesEmpty}>
              <p>{texts.schedulesEmptyDetail}</p>
              <Command words={BEAT} />
            </EmptyState>
          ) : (
            <Stack>
              {isSilent(beat_seen_at) && (
                <Alert tone="warning" title={texts.noBeat}>
                  <p>{texts.noBeatDetail}</p>
                  <Command words={BEAT} />
                </Alert>
              )}
              <Table caption={texts.schedules} columns={columns} rows={items} rowKey={row => row.entry} />
            </Stack>
          )
        }
      </Loaded>
    </>
  );
}

const isSilent = (seen: string | null) => seen === null || Date.now() - Date.parse(seen) > SILENT_AFTER;
