import { Card, Fact, Facts } from "@seamark/ui";
import type { ReactNode } from "react";
import { Link } from "react-router";
import { formatDuration, formatExact } from "../durations";
import { listPath, type TaskDetail, taskPath } from "../tasks";
import { texts } from "../texts";

export function About({ task }: { task: TaskDetail }) {
  const { declaration, schedule, waits_for } = task;
  const bounded = declaration?.steps ? texts.upToForEachStep : texts.upTo;
  const attempt = declaration ? bounded(task.attempt, declaration.max_attempts) : task.attempt;
  return (
    <Card title={texts.about}>
      <Facts>
        <Fact name={texts.queue}>
          {task.queue} · {texts.priority.toLowerCase()} {texts.priorities[task.priority].toLowerCase()}
        </Fact>
        <Fact name={texts.attempt}>{attempt}</Fact>
        <Fact name={texts.publications}>{texts.times(task.publications)}</Fact>
        {task.steps > 0 && <Fact name={texts.steps}>{task.steps}</Fact>}
        {task.worker && <Fact name={texts.worker}>{task.worker}</Fact>}
        {declaration && (
          <Fact name={texts.limits}>
            {texts.limitsOf(formatDuration(declaration.soft_limit), formatDuration(declaration.hard_limit))}
          </Fact>
        )}
        {declaration?.external && <Fact name={texts.external}>{texts.externalDetail}</Fact>}
        <Moment
          name={texts.startsNotBefore}
          value={task.available_at > task.created_at ? task.available_at : null}
        />
        {schedule && (
          <Fact name={texts.schedule}>
            <Link to={listPath({ schedule })}>{schedule}</Link>
          </Fact>
        )}
        <Moment name={texts.dueAt} value={task.due_at} />
        <Text name={texts.uniqueKey}>{task.unique_key}</Text>
        <Text name={texts.orderKey}>{task.order_key}</Text>
        {waits_for && (
          <Fact name={texts.waiting}>
            <Link to={taskPath(waits_for)}>{texts.waitsFor}</Link>
          </Fact>
        )}
        <Fact name={texts.correlationId}>
          <code>{task.correlation_id}</code>
        </Fact>
        <Fact name={texts.sameRequest}>
          {task.siblings > 0 ? (
            <Link to={listPath({ correlation_id: task.correlation_id })}>{texts.related(task.siblings)}</Link>
          ) : (
            texts.relatedNone
          )}
        </Fact>
        <Moment name={texts.keptUntil} value={task.kept_until} />
      </Facts>
    </Card>
  );
}

const Moment = ({ name, value }: { name: string; value: string | null }) =>
  value && (
    <Fact name={name}>
      <time dateTime={value}>{formatExact(value)}</time>
    </Fact>
  );

const Text = ({ name, children }: { name: string; children: ReactNode }) =>
  children && (
    <Fact name={name}>
      <code>{children}</code>
    </Fact>
  );
