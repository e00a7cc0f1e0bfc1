import { ChevronLeft } from "lucide-react";
import { createContext, type ReactNode, useContext, useEffect, useRef } from "react";
import { Link } from "react-router";
import styles from "./PageHeader.module.css";

/** True once the application, not the browser, has changed the page: then the new page's title takes the focus. */
export const NavigatedContext = createContext(false);

interface PageHeaderProps {
  title: string;
  lead?: ReactNode;
  /** The page above this one. */
  back?: { to: string; label: string };
  actions?: ReactNode;
  /** Beside the title: a badge. */
  aside?: ReactNode;
}

/** Every page begins with one: it names the page in the window's title and, after a navigation, to screen readers. */
export function PageHeader({ title, lead, back, actions, aside }: PageHeaderProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  const navigated = useContext(NavigatedContext);

  useEffect(() => {
    if (navigated) heading.current?.focus({ preventScroll: true });
  }, [navigated]);
  useTitle(title);

  return (
    <header className={styles.header}>
      {back && (
        <Link to={back.to} className={styles.back}>
          <ChevronLeft size={16} aria-hidden="true" />
          {back.label}
        </Link>
      )}
      <div className={styles.row}>
        <div className={styles.words}>
          <div className={styles.titles}>
            <h1 ref={heading} tabIndex={-1} className={styles.title}>
              {title}
            </h1>
            {aside}
          </div>
          {lead && <p className={styles.lead}>{lead}</p>}
        </div>
        {actions && <div className={styles.actions}>{actions}</div>}
      </div>
    </header>
  );
}

/** Names the page in the window's title: `Contacts · Seamark`. */
export function useTitle(title: string) {
  useEffect(() => {
    document.title = `${title} · Seamark`;
  }, [title]);
}
