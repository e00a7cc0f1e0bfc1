import { Loaded } from "@seamark/app";
import { Alert, Card, PageHeader, Skeleton, Stack } from "@seamark/ui";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "react-router";
import { Progress } from "../Progress";
import { StatusBadge } from "../StatusBadge";
import { hasEnded, type TaskDetail, taskQuery } from "../tasks";
import { texts } from "../texts";
import { About } from "./About";
import { Actions } from "./Actions";
import { Attempts } from "./Attempts";
import { Log } from "./Log";
import styles from "./TaskPage.module.css";
import { Timeline } from "./Timeline";

export default function TaskPage() {
  const { id = "" } = useParams();
  const task = useQuery(taskQuery(id));
  const { data } = task;
  return (
    <>
      <PageHeader
        title={data?.name ?? texts.task}
        back={{ to: "/background_tasks", label: texts.title }}
        aside={data && <StatusBadge task={data} />}
        actions={data && <Actions task={data} />}
      />
      <Loaded query={task} skeleton={<Skeleton lines={4} tall />}>
        {loaded => <Task task={loaded} />}
      </Loaded>
    </>
  );
}

function Task({ task }: { task: TaskDetail }) {
  const { failure, status, parked } = task;
  return (
    <Stack>
      {parked && <Alert tone="warning" title={texts.parkedBecause[parked] ?? texts.statuses.parked} />}
      {!hasEnded(status) && task.done !== null && (
        <Card title={texts.progress}>
          <Progress task={task} />
        </Card>
      )}
      {failure && status !== "succeeded" && (
        <Card title={texts.failure}>
          <p className={styles.message}>
            <code>{failure.type}</code> {failure.message}
          </p>
          {failure.traceback && (
            <details open={status === "failed"}>
              <summary>{texts.traceback}</summary>
              {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard. */}
              <pre className={styles.traceback} tabIndex={0}>
                {failure.traceback}
              </pre>
            </details>
          )}
        </Card>
      )}
      <div className={styles.columns}>
        <Stack>
          <About task={task} />
          <Attempts attempts={task.attempts} />
        </Stack>
        <Stack>
          <Card title={texts.arguments}>
            <Arguments task={task} />
          </Card>
          <Timeline events={task.timeline} />
        </Stack>
      </div>
      <Log lines={task.logs} />
    </Stack>
  );
}

function Arguments({ task }: { task: TaskDetail }) {
  const names = Object.keys(task.arguments);
  if (names.length === 0) return <p>{texts.noArguments}</p>;
  return (
    <>
      {task.arguments_hidden && <p>{task.arguments_hidden}</p>}
      <dl className={styles.arguments}>
        {names.map(name => (
          <div key={name}>
            <dt>
              <code>{name}</code>
            </dt>
            <dd>{!task.arguments_hidden && <code>{JSON.stringify(task.arguments[name], null, 2)}</code>}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}
