import { Card } from "@seamark/ui";
import { formatExact } from "../durations";
import type { TaskDetail } from "../tasks";
import { texts } from "../texts";
import styles from "./Timeline.module.css";

export const Timeline = ({ events }: { events: TaskDetail["timeline"] }) => (
  <Card title={texts.timeline}>
    <ol className={styles.timeline}>
      {events.map(({ kind, at, text }) => (
        <li key={`${kind} ${at} ${text}`} data-kind={kind}>
          {at ? <time dateTime={at}>{formatExact(at)}</time> : <span>{texts.timeUnknown}</span>}
          <span>{text}</span>
        </li>
      ))}
    </ol>
  </Card>
);
