import { useCan } from "@seamark/app";
import { Alert, Button, ConfirmDialog, Time } from "@seamark/ui";
import { useState } from "react";
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
  const [asking, setAsking] = useState("");

  function runAgain(name: string) {
    setAsking("");
    retryAll.mutate(name);
  }

  return (
    <ul className={styles.kinds}>
      {kinds.map(({ name, count, latest_at, external }) => (
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
              onClick={() => (external ? setAsking(name) : runAgain(name))}
            >
              {texts.retryAllShort}
            </Button>
          )}
          {asking === name && (
            <ConfirmDialog
              title={texts.retryAllExternal}
              action={texts.retryAllShort}
              onConfirm={() => runAgain(name)}
              onClose={() => setAsking("")}
            >
              {texts.retryExternalDetail}
            </ConfirmDialog>
          )}
        </li>
      ))}
    </ul>
  );
}
