import { ChevronRight, type LucideIcon } from "lucide-react";
import { type ReactNode, useId } from "react";
import { Link } from "react-router";
import styles from "./Card.module.css";

interface CardProps {
  title?: string;
  icon?: LucideIcon;
  /** At the end of the title's line. */
  actions?: ReactNode;
  /** The page that says more. */
  more?: { to: string; label: string };
  children: ReactNode;
}

export function Card({ title, icon: Icon, actions, more, children }: CardProps) {
  const id = useId();
  return (
    <section className={styles.card} aria-labelledby={title ? id : undefined}>
      {title && (
        <header className={styles.header}>
          {Icon && <Icon size={18} aria-hidden="true" />}
          <h2 id={id}>{title}</h2>
          {actions && <div className={styles.actions}>{actions}</div>}
          {more && (
            <Link to={more.to} className={styles.more} aria-label={`${title}: ${more.label}`}>
              {more.label}
              <ChevronRight size={14} aria-hidden="true" />
            </Link>
          )}
        </header>
      )}
      {children}
    </section>
  );
}

/** Names and values, side by side where there is room. */
export const Facts = ({ children }: { children: ReactNode }) => <dl className={styles.facts}>{children}</dl>;

export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
