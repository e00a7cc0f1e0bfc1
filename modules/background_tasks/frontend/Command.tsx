/** What to type to mend it. */
export const Command = ({ words }: { words: string }) => (
  <p>
    <code>{words}</code>
  </p>
);

export const WORKER = "celery -A background_tasks.celery_app worker";
export const BEAT = "celery -A background_tasks.celery_app beat";
