import { Badge, Card, type Tone } from "@seamark/ui";
import { formatBetween, formatExact } from "../durations";
import type { Attempt } from "../tasks";
import { texts } from "../texts";
import styles from "./Attempts.module.css";

const tones: Record<string, Tone | "plain"> = {
  running: "info",
  succeeded: "success",
  failed: "danger",
  lost: "danger",
};

export function Attempts({ attempts }: { attempts: Attempt[] }) {
  return (
    <Card title={texts.attempts}>
      {attempts.length === 0 && <p>{texts.noAttempts}</p>}
      <ol className={styles.attempts}>
        {attempts.map(attempt => (
          <li key={attempt.number}>
            <p className={styles.head}>
              <strong>{texts.attemptNumber(attempt.number)}</strong>
              <Badge tone={tones[attempt.outcome] ?? "plain"}>
                {texts.outcomes[attempt.outcome] ?? attempt.outcome}
              </Badge>
              <small>
                {[
                  attempt.started_at && formatExact(attempt.started_at),
                  formatBetween(attempt.started_at, attempt.ended_at),
                  attempt.worker,
                ]
                  .filter(Boolean)
                  .join(" · ")}
              </small>
            </p>
            {attempt.failure && (
              <p className={styles.failure}>
                <code>{attempt.failure.type}</code> {attempt.failure.message}
              </p>
            )}
          </li>
        ))}
      </ol>
    </Card>
  );
}
