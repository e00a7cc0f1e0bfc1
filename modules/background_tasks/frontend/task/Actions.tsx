import { useCan } from "@seamark/app";
import { Button, ConfirmDialog } from "@seamark/ui";
import { CircleStop, RotateCcw } from "lucide-react";
import { useState } from "react";
import { hasEnded, type TaskDetail } from "../tasks";
import { texts } from "../texts";
import { useTaskActions } from "../useTaskActions";

export function Actions({ task }: { task: TaskDetail }) {
  const canManage = useCan("background_tasks.manage");
  const { retry, cancel } = useTaskActions();
  const [asking, setAsking] = useState(false);
  if (!canManage) return null;
  const mayRetry = task.status === "failed" || task.status === "cancelled";
  const mayCancel = !hasEnded(task.status) && !task.cancel_requested;

  function runAgain() {
    setAsking(false);
    retry.mutate(task.id);
  }

  return (
    <>
      {mayCancel && (
        <Button icon={CircleStop} busy={cancel.isPending} onClick={() => cancel.mutate(task.id)}>
          {texts.cancel}
        </Button>
      )}
      {mayRetry && (
        <Button
          look="primary"
          icon={RotateCcw}
          busy={retry.isPending}
          onClick={() => (task.declaration?.external ? setAsking(true) : runAgain())}
        >
          {texts.retry}
        </Button>
      )}
      {asking && (
        <ConfirmDialog
          title={texts.retryExternal}
          action={texts.retry}
          onConfirm={runAgain}
          onClose={() => setAsking(false)}
        >
          {texts.retryExternalDetail}
        </ConfirmDialog>
      )}
    </>
  );
}
