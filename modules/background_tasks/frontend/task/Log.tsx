import { Badge, Card, type Tone } from "@seamark/ui";
import { formatExact } from "../durations";
import type { TaskDetail } from "../tasks";
import { texts } from "../texts";
import styles from "./Log.module.css";

type Line = TaskDetail["logs"][number];
const tones: Record<string, Tone> = { warning: "warning", error: "danger", critical: "danger" };

export const Log = ({ lines }: { lines: Line[] }) => (
  <Card title={texts.logs}>
    {lines.length === 0 ? (
      <p>{texts.logsNone}</p>
    ) : (
      <ol className={styles.log}>
        {lines.map((line, position) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a log only grows at its end, and equal lines are usual.
          <li key={position}>
            <time dateTime={line.at}>{formatExact(line.at)}</time>
            <Badge tone={tones[line.level] ?? "plain"}>{line.level}</Badge>
            <span className={styles.words}>
              {line.event} <Fields fields={line.fields} />
            </span>
          </li>
        ))}
      </ol>
    )}
  </Card>
);

const Fields = ({ fields }: { fields: Line["fields"] }) => (
  <code className={styles.fields}>
    {Object.entries(fields)
      .map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`)
      .join(" ")}
  </code>
);
