import { ListTable, useListState, useSearchText } from "@seamark/app";
import { Badge, type Column, EmptyState, SearchInput, Stack, Time } from "@seamark/ui";
import { useQuery } from "@tanstack/react-query";
import { History, SearchX } from "lucide-react";
import { DEFAULT_SORT, type HealthChange, healthChangesQuery } from "../installation";
import { texts } from "../texts";
import { statusTones } from "../tones";
import styles from "./Status.module.css";

const columns: Column<HealthChange>[] = [
  { key: "check", header: texts.check, cell: row => <code>{row.check}</code> },
  {
    key: "status",
    header: texts.status,
    narrow: true,
    cell: row => <Badge tone={statusTones[row.status]}>{texts.statuses[row.status]}</Badge>,
  },
  { key: "remark", header: texts.remark, cell: row => row.remark },
  {
    key: "at",
    header: texts.changedAt,
    sortable: true,
    narrow: true,
    cell: row => <Time value={row.at} />,
  },
  { key: "process", header: texts.noticedBy, narrow: true, cell: row => row.process },
];

/** When a check failed and when it was well again, of all processes. */
export function HealthHistory() {
  const list = useListState(DEFAULT_SORT);
  const changes = useQuery(healthChangesQuery(list));
  const [text, setText] = useSearchText(list.q, list.setSearch);
  return (
    <section aria-label={texts.history}>
      <Stack>
        <h2 className={styles.heading}>{texts.history}</h2>
        <search className={styles.search}>
          <SearchInput
            label={texts.searchChecks}
            value={text}
            onChange={event => setText(event.target.value)}
          />
        </search>
        <ListTable
          caption={texts.history}
          list={list}
          query={changes}
          columns={columns}
          empty={
            list.q ? (
              <EmptyState icon={SearchX} title={texts.noCheckFound} />
            ) : (
              <EmptyState icon={History} title={texts.nothingChanged}>
                {texts.nothingChangedDetail}
              </EmptyState>
            )
          }
          lines={3}
        />
      </Stack>
    </section>
  );
}
