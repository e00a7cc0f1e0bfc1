import { api } from "@seamark/api-client";
import { useCan } from "@seamark/app";
import { Alert, Button, ButtonLink, Card, Cluster, formatNumber, ProgressBar, useToast } from "@seamark/ui";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { texts } from "../texts";
import styles from "./ImportCard.module.css";
import { type Import, importQuery, isOver } from "./imports";
import type { Connection } from "./useImportProgress";

/** How far an import is, and when it is over, what came of it. */
export function ImportCard({ job, connection }: { job: Import; connection: Connection }) {
  const over = isOver(job);
  const canWrite = useCan("contacts.write");
  return (
    <Card>
      <Outcome job={job} />
      {!over && <Progress job={job} connection={connection} />}
      <dl className={styles.counts}>
        <Count name={texts.processed} value={job.processed} />
        <Count name={texts.createdCount} value={job.created} />
        <Count name={texts.updatedCount} value={job.updated} />
        <Count name={texts.rejectedCount} value={job.rejected} />
      </dl>
      {over && job.rejected > 0 && (
        <Alert tone="warning" title={texts.someRejected(formatNumber(job.rejected))}>
          <p>{texts.someRejectedDetail}</p>
        </Alert>
      )}
      <Cluster>
        {over ? (
          <>
            <ButtonLink to="/contacts?sort=-updated_at" look="primary">
              {texts.seeContacts}
            </ButtonLink>
            {canWrite && <ButtonLink to="/contacts/import">{texts.importAnother}</ButtonLink>}
          </>
        ) : (
          canWrite && <CancelButton id={job.id} />
        )}
        {job.rejected > 0 && (
          <ButtonLink icon={Download} href={`/api/contacts/imports/${job.id}/rejected.csv`} download>
            {texts.downloadRejected}
          </ButtonLink>
        )}
      </Cluster>
    </Card>
  );
}

function Outcome({ job: { status, message, encoding } }: { job: Import }) {
  return (
    <>
      {status === "succeeded" && <Alert tone="success" title={texts.importSucceeded} />}
      {status === "cancelled" && <Alert tone="warning" title={texts.importCancelled} />}
      {status === "failed" && (
        <Alert tone="danger" title={texts.importFailed}>
          {message && <p>{message}</p>}
        </Alert>
      )}
      {encoding && !/^utf-?8/i.test(encoding) && <Alert tone="info" title={texts.readAs(encoding)} />}
    </>
  );
}

function Progress({ job, connection }: { job: Import; connection: Connection }) {
  const { processed, total, status } = job;
  const far =
    total === null
      ? texts.rows(formatNumber(processed))
      : texts.of(formatNumber(processed), formatNumber(total));
  return (
    <div className={styles.progress}>
      <p className={styles.far}>
        <span>{status === "queued" ? texts.waiting : far}</span>
        {connection === "reconnecting" && <span role="status">{texts.reconnecting}</span>}
      </p>
      <ProgressBar label={texts.progress} value={total === null ? undefined : processed} max={total || 1} />
      <p className={styles.hint}>{texts.mayLeave}</p>
    </div>
  );
}

function Count({ name, value }: { name: string; value: number }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{formatNumber(value)}</dd>
    </div>
  );
}

function CancelButton({ id }: { id: string }) {
  const client = useQueryClient();
  const toast = useToast();
  const cancel = useMutation({
    mutationFn: () => api.POST("/api/contacts/imports/{id}/cancel", { params: { path: { id } } }),
    onError: error => toast({ message: error.message, tone: "danger" }),
    onSettled: () => client.invalidateQueries(importQuery(id)),
  });
  // The step under way is finished first, so asking is not yet having.
  return (
    <Button busy={cancel.isPending || cancel.isSuccess} onClick={() => cancel.mutate()}>
      {cancel.isSuccess ? texts.cancelling : texts.cancelImport}
    </Button>
  );
}
