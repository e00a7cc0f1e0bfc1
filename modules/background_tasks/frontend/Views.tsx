import { PageHeader } from "@seamark/ui";
import type { ReactNode } from "react";
import { NavLink } from "react-router";
import { texts } from "./texts";
import styles from "./Views.module.css";

const views = [
  ["/background_tasks", texts.tasks],
  ["/background_tasks/queues", texts.queues],
  ["/background_tasks/workers", texts.workers],
  ["/background_tasks/schedules", texts.schedules],
] as const;

/** The head of this module's four views, and the way from one to the other. */
export function Views({ title, lead, actions }: { title: string; lead: string; actions?: ReactNode }) {
  return (
    <>
      <PageHeader title={title} lead={lead} actions={actions} />
      <nav aria-label={texts.views} className={styles.views}>
        {views.map(([path, label]) => (
          <NavLink key={path} to={path} end className={styles.view}>
            {label}
          </NavLink>
        ))}
      </nav>
    </>
  );
}
