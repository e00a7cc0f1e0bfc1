import { Loaded } from "@seamark/app";
import { Badge, Badges, Card, EmptyState, Fact, Facts, Skeleton, Stack, Time, type Tone } from "@seamark/ui";
import { useQuery } from "@tanstack/react-query";
import { ServerOff } from "lucide-react";
import { Link } from "react-router";
import { Command, WORKER } from "./Command";
import { Progress } from "./Progress";
import { taskPath, type WorkerItem, workersQuery } from "./tasks";
import { texts } from "./texts";
import { Views } from "./Views";
import styles from "./Workers.module.css";

const tones: Record<string, Tone> = { running: "success", stopping: "info", silent: "danger" };

export default function Workers() {
  const workers = useQuery(workersQuery);
  return (
    <>
      <Views title={texts.workers} lead={texts.workersLead} />
      <Loaded query={workers} skeleton={<Skeleton lines={3} tall />}>
        {({ items }) =>
          items.length === 0 ? (
            <EmptyState icon={ServerOff} title={texts.workersEmpty}>
              <p>{texts.workersEmptyDetail}</p>
              <Command words={WORKER} />
            </EmptyState>
          ) : (
            <Stack>
              {items.map(worker => (
                <WorkerCard key={worker.name} worker={worker} />
              ))}
            </Stack>
          )
        }
      </Loaded>
    </>
  );
}

function WorkerCard({ worker }: { worker: WorkerItem }) {
  const badge = <Badge tone={tones[worker.status] ?? "info"}>{texts.workerStatuses[worker.status]}</Badge>;
  return (
    <Card title={worker.name} actions={badge}>
      <Facts>
        <Fact name={texts.queues}>
          <Badges items={worker.queues} />
        </Fact>
        <Fact name={texts.concurrency}>{worker.concurrency}</Fact>
        <Fact name={texts.tasks}>
          <details>
            <summary>{texts.knows(worker.tasks.length)}</summary>
            <ul>
              {worker.tasks.map(task => (
                <li key={task}>
                  <code>{task}</code>
                </li>
              ))}
            </ul>
          </details>
        </Fact>
        {worker.release && <Fact name={texts.release}>{worker.release}</Fact>}
        <Fact name={texts.started}>
          <Time value={worker.started_at} />
        </Fact>
        <Fact name={texts.seen}>
          <Time value={worker.seen_at} />
        </Fact>
        <Fact name={texts.running}>
          {worker.running.length === 0 ? texts.idle : <Running worker={worker} />}
        </Fact>
      </Facts>
    </Card>
  );
}

const Running = ({ worker }: { worker: WorkerItem }) => (
  <ul className={styles.running}>
    {worker.running.map(task => (
      <li key={task.id}>
        <Link to={taskPath(task.id)}>{task.name}</Link>
        <Progress task={task} />
      </li>
    ))}
  </ul>
);
