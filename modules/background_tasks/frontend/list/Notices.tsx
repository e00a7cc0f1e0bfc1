import { useCan } from "@seamark/app";
import { Alert, Button, Time } from "@seamark/ui";
import { Link } from "react-router";
import { Command, WORKER } from "../Command";
import { listPath, type Summary } from "../tasks";
import { texts } from "../texts";
import { useTaskActions } from "../useTaskActions";
import styles from "./Notices.module.css";

/** What somebody should look after: nobody works, tasks have died, tasks are parked. */
export function Notices({ summary }: { summary: Summary | undefined }) {
  if (!summary) return null;
  const { counts, dead_letters, parked, workers } = summary;
  return (
    <>
      {workers === 0 && (
        <Alert tone="warning" title={texts.noWorkers}>
          <p>{texts.noWorkersDetail}</p>
          <Command words={WORKER} />
        </Alert>
      )}
      {dead_letters.length > 0 && (
        <Alert tone="danger" title={texts.deadLetters(counts.failed)}>
          <p>{texts.deadLettersDetail}</p>
          <Kinds kinds={dead_letters} status="failed" retry />
        </Alert>
      )}
      {workers > 0 && parked.length > 0 && (
        <Alert tone="warning" title={texts.parkedTasks(counts.parked)}>
          <p>{texts.parkedDetail}</p>
          <Kinds kinds={parked} status="parked" />
        </Alert>
      )}
    </>
  );
}

interface KindsProps {
  kinds: Summary["dead_letters"];
  status: "failed" | "parked";
  retry?: boolean;
}

function Kinds({ kinds, status, retry = false }: KindsProps) {
  const canManage = useCan("background_tasks.manage");
  const { retryAll } = useTaskActions();
  return (
    <ul className={styles.kinds}>
      {kinds.map(({ name, count, latest_at }) => (
        <li key={name}>
          <Link to={listPath({ status, name })}>
            {name} <span aria-hidden="true">×</span> {count}
          </Link>
          <small>
            <Time value={latest_at} />
          </small>
          {retry && canManage && (
            <Button
              small
              busy={retryAll.isPending && retryAll.variables === name}
              aria-label={texts.retryAll(name)}
              onClick={() => retryAll.mutate(name)}
            >
              {texts.retryAllShort}
            </Button>
          )}
        </li>
      ))}
    </ul>
  );
}
