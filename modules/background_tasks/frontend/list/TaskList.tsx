import { ListTable, useListState, useSearchText } from "@seamark/app";
import { ButtonLink, type Column, EmptyState, RowLink, Stack, Time } from "@seamark/ui";
import { useQuery } from "@tanstack/react-query";
import { ListChecks, SearchX } from "lucide-react";
import { Progress } from "../Progress";
import { StatusBadge } from "../StatusBadge";
import { DEFAULT_SORT, hasEnded, summaryQuery, type TaskItem, taskPath, tasksQuery } from "../tasks";
import { texts } from "../texts";
import { Views } from "../Views";
import { Filters } from "./Filters";
import { Notices } from "./Notices";
import styles from "./TaskList.module.css";
import { useFilters } from "./useFilters";

const columns: Column<TaskItem>[] = [
  {
    key: "name",
    header: texts.task,
    cell: task => <RowLink to={taskPath(task.id)}>{task.name}</RowLink>,
  },
  { key: "status", header: texts.status, narrow: true, cell: task => <StatusBadge task={task} /> },
  { key: "progress", header: texts.progress, cell: task => <State task={task} /> },
  { key: "queue", header: texts.queue, narrow: true, cell: task => task.queue },
  {
    key: "attempt",
    header: texts.attempt,
    align: "end",
    narrow: true,
    cell: task => (task.attempt > 0 ? task.attempt : ""),
  },
  {
    key: "created_at",
    header: texts.enqueued,
    sortable: true,
    narrow: true,
    cell: task => <Time value={task.created_at} />,
  },
];

export default function TaskList() {
  const list = useListState(DEFAULT_SORT);
  const { filters, setFilter } = useFilters();
  const summary = useQuery(summaryQuery);
  const tasks = useQuery(tasksQuery({ ...filters, q: list.q, sort: list.sort, cursor: list.cursor }));
  const [text, setText] = useSearchText(list.q, list.setSearch);

  return (
    <>
      <Views title={texts.title} lead={texts.lead} />
      <Stack>
        <Notices summary={summary.data} />
        <Filters text={text} onText={setText} filters={filters} onFilter={setFilter} summary={summary.data} />
        <ListTable
          caption={texts.tasks}
          list={list}
          query={tasks}
          columns={columns}
          empty={<NoTasks filtered={list.q !== "" || Object.values(filters).some(Boolean)} />}
        />
      </Stack>
    </>
  );
}

/** How far it is, or what went wrong. */
function State({ task }: { task: TaskItem }) {
  if (task.error && task.status !== "succeeded") return <small className={styles.error}>{task.error}</small>;
  return hasEnded(task.status) ? null : <Progress task={task} />;
}

function NoTasks({ filtered }: { filtered: boolean }) {
  if (!filtered) {
    return (
      <EmptyState icon={ListChecks} title={texts.empty}>
        {texts.emptyDetail}
      </EmptyState>
    );
  }
  const all = <ButtonLink to="/background_tasks">{texts.clearFilters}</ButtonLink>;
  return (
    <EmptyState icon={SearchX} title={texts.nothingFound} actions={all}>
      {texts.nothingFoundDetail}
    </EmptyState>
  );
}
