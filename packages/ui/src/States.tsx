import { CloudOff, type LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import { Button } from "./Button";
import { SpokenOnly } from "./Layout";
import styles from "./States.module.css";
import { texts } from "./texts";

interface StateProps {
  icon: LucideIcon;
  title: string;
  children?: ReactNode;
  /** What to do next. */
  actions?: ReactNode;
}

/** Nothing is here yet, or nothing fits the search: says which, and what to do. */
export function EmptyState({ icon: Icon, title, children, actions }: StateProps) {
  return (
    <div className={styles.state}>
      <span className={styles.icon}>
        <Icon size={22} aria-hidden="true" />
      </span>
      <h2>{title}</h2>
      {children && <div className={styles.words}>{children}</div>}
      {actions && <div className={styles.actions}>{actions}</div>}
    </div>
  );
}

interface ErrorStateProps {
  icon?: LucideIcon;
  title: string;
  detail?: string | undefined;
  /** What to quote when asking for help. */
  correlationId?: string | undefined;
  onRetry?: (() => void) | undefined;
  actions?: ReactNode;
}

export function ErrorState({
  icon = CloudOff,
  title,
  detail,
  correlationId,
  onRetry,
  actions,
}: ErrorStateProps) {
  return (
    <div role="alert">
      <EmptyState
        icon={icon}
        title={title}
        actions={
          <>
            {onRetry && <Button onClick={onRetry}>{texts.retry}</Button>}
            {actions}
          </>
        }
      >
        {detail && <p>{detail}</p>}
        {correlationId && (
          <p className={styles.reference}>
            {texts.correlation} <code>{correlationId}</code>
          </p>
        )}
      </EmptyState>
    </div>
  );
}

/** Grey shapes in place of what is coming, so that the page does not jump when it comes. */
export function Skeleton({ lines = 3, tall = false }: { lines?: number; tall?: boolean }) {
  return (
    <div role="status" className={styles.skeleton}>
      <SpokenOnly>{texts.loading}</SpokenOnly>
      {Array.from({ length: lines }, (_, line) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the shapes have no identity but their place.
        <div key={line} className={tall ? styles.block : styles.line} />
      ))}
    </div>
  );
}
