import type { LucideIcon } from "lucide-react";
import type { ComponentProps, MouseEvent } from "react";
import { Link, type LinkProps } from "react-router";
import styles from "./Button.module.css";

interface Look {
  /** One primary action a view; `danger` only where something is lost. */
  look?: "primary" | "secondary" | "quiet" | "danger";
  small?: boolean;
  icon?: LucideIcon;
}

interface ButtonProps extends Look, ComponentProps<"button"> {
  /** Work is under way: shows it, and keeps the focus where it is. */
  busy?: boolean;
}

function classes({ look = "secondary", small = false }: Look, extra?: string) {
  return [styles.button, styles[look], small && styles.small, extra].filter(Boolean).join(" ");
}

export function Button({
  look,
  small,
  icon: Icon,
  busy,
  className,
  children,
  onClick,
  ...rest
}: ButtonProps) {
  const swallow = (event: MouseEvent) => event.preventDefault();
  return (
    <button
      type="button"
      {...rest}
      className={classes({ look, small }, className)}
      aria-disabled={busy || undefined}
      aria-busy={busy || undefined}
      onClick={busy ? swallow : onClick}
    >
      {busy ? (
        <span className={styles.spinner} aria-hidden="true" />
      ) : (
        Icon && <Icon size={16} aria-hidden="true" />
      )}
      {children}
    </button>
  );
}

/** Looks like a button, goes somewhere: a page of the application (`to`), or anything else (`href`). */
export function ButtonLink({
  look,
  small,
  icon: Icon,
  className,
  children,
  to,
  replace,
  ...rest
}: Look & ComponentProps<"a"> & Pick<LinkProps, "replace"> & { to?: string }) {
  const content = (
    <>
      {Icon && <Icon size={16} aria-hidden="true" />}
      {children}
    </>
  );
  const shared = { ...rest, className: classes({ look, small }, className) };
  return to === undefined ? (
    <a {...shared}>{content}</a>
  ) : (
    <Link to={to} replace={replace} {...shared}>
      {content}
    </Link>
  );
}

interface IconButtonProps extends Omit<ButtonProps, "children" | "aria-label"> {
  /** What it does, for people who cannot see the icon. */
  label: string;
  icon: LucideIcon;
}

export function IconButton({ label, look = "quiet", className, ...rest }: IconButtonProps) {
  const extra = className ? `${styles.square} ${className}` : styles.square;
  return <Button {...rest} look={look} className={extra} aria-label={label} title={label} />;
}
