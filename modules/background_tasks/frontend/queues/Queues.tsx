import { Loaded } from "@seamark/app";
import { Badge, Card, EmptyState, formatNumber, Skeleton, Stack } from "@seamark/ui";
import { useQuery } from "@tanstack/react-query";
import { Inbox } from "lucide-react";
import type { ReactNode } from "react";
import { Link } from "react-router";
import { formatDuration } from "../durations";
import { listPath, type QueueItem, queuesQuery, type Samples, samplesQuery } from "../tasks";
import { texts } from "../texts";
import { Views } from "../Views";
import { Plot } from "./Plot";
import styles from "./Queues.module.css";

export default function Queues() {
  const queues = useQuery(queuesQuery);
  const samples = useQuery(samplesQuery);
  return (
    <>
      <Views title={texts.queues} lead={texts.queuesLead} />
      <Loaded query={queues} skeleton={<Skeleton lines={3} tall />}>
        {({ items }) =>
          items.length === 0 ? (
            <EmptyState icon={Inbox} title={texts.queuesEmpty}>
              {texts.queuesEmptyDetail}
            </EmptyState>
          ) : (
            <Stack>
              {items.map(item => (
                <QueueCard key={item.queue} item={item} samples={samples.data} />
              ))}
            </Stack>
          )
        }
      </Loaded>
    </>
  );
}

function QueueCard({ item, samples }: { item: QueueItem; samples: Samples | undefined }) {
  const { queue, waiting, running, delayed, dead_letters, lag_seconds, per_minute, in_broker, workers } =
    item;
  const series = samples?.series.find(one => one.queue === queue);
  const nobody = workers.length === 0;
  return (
    <Card
      title={queue}
      actions={
        dead_letters > 0 && (
          <Link to={listPath({ status: "failed", queue })}>
            <Badge tone="danger">{texts.deadLetters(dead_letters)}</Badge>
          </Link>
        )
      }
    >
      <div className={styles.plots}>
        <Plot
          title={texts.waiting}
          queue={queue}
          samples={samples}
          values={series?.waiting}
          format={formatNumber}
        />
        <Plot
          title={texts.lag}
          queue={queue}
          samples={samples}
          values={series?.lag}
          format={formatDuration}
        />
        <Plot
          title={texts.throughput}
          queue={queue}
          samples={samples}
          values={series && perMinute(series.finished, samples?.step_seconds ?? 60)}
          format={value => texts.perMinute(formatNumber(Math.round(value)))}
        />
      </div>
      <dl className={styles.figures}>
        <Figure name={texts.waiting}>
          {formatNumber(waiting)}
          {lag_seconds > 0 && ` · ${texts.lag} ${formatDuration(lag_seconds)}`}
        </Figure>
        <Figure name={texts.running}>{formatNumber(running)}</Figure>
        <Figure name={texts.delayed}>{formatNumber(delayed)}</Figure>
        {in_broker !== null && <Figure name={texts.inBroker}>{formatNumber(in_broker)}</Figure>}
        {per_minute !== null && (
          <Figure name={texts.throughput}>{texts.perMinute(formatNumber(Math.round(per_minute)))}</Figure>
        )}
        <Figure name={texts.consumers}>
          {nobody ? <Badge tone="warning">{texts.nobody}</Badge> : workers.join(", ")}
        </Figure>
      </dl>
    </Card>
  );
}

const Figure = ({ name, children }: { name: string; children: ReactNode }) => (
  <div>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
);

const perMinute = (counts: (number | null)[], seconds: number) =>
  counts.map(count => (count === null ? null : (count * 60) / seconds));
