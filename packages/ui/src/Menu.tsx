import type { LucideIcon } from "lucide-react";
import { type KeyboardEvent, type ReactNode, type ToggleEvent, useEffect, useId, useRef } from "react";
import layer from "./Layer.module.css";
import styles from "./Menu.module.css";
import { place } from "./place";

interface MenuProps {
  /** What the trigger is called, when its content does not say it. */
  label?: string;
  trigger: ReactNode;
  triggerClass?: string;
  children: ReactNode;
}

/** A menu button (ARIA authoring practices) on the browser's popover: top layer, Escape and click outside for free. */
export function Menu({ label, trigger, triggerClass, children }: MenuProps) {
  const button = useRef<HTMLButtonElement>(null);
  const menu = useRef<HTMLDivElement>(null);
  const id = useId();

  useEffect(() => {
    const close = () => menu.current?.hidePopover?.();
    window.addEventListener("resize", close);
    return () => window.removeEventListener("resize", close);
  }, []);

  function onToggle(event: ToggleEvent<HTMLDivElement>) {
    button.current?.setAttribute("aria-expanded", String(event.newState === "open"));
    if (event.newState !== "open" || !button.current || !menu.current) return;
    place(menu.current, button.current.getBoundingClientRect());
    items(menu.current)[0]?.focus({ preventScroll: true });
  }

  return (
    <>
      <button
        ref={button}
        type="button"
        className={triggerClass ?? layer.trigger}
        popoverTarget={id}
        aria-haspopup="menu"
        aria-expanded="false"
        aria-label={label}
        title={label}
      >
        {trigger}
      </button>
      <div
        ref={menu}
        id={id}
        popover="auto"
        role="menu"
        tabIndex={-1}
        className={`${layer.layer} ${styles.menu}`}
        onToggle={onToggle}
        onKeyDown={moveFocus}
        onClick={event => event.currentTarget.hidePopover()}
      >
        {children}
      </div>
    </>
  );
}

interface MenuItemProps {
  icon?: LucideIcon;
  onSelect: () => void;
  children: ReactNode;
  danger?: boolean;
  /** For one of several that exclude each other. */
  checked?: boolean;
}

export function MenuItem({ icon: Icon, onSelect, children, danger, checked }: MenuItemProps) {
  const role =
    checked === undefined ? { role: "menuitem" } : { role: "menuitemradio", "aria-checked": checked };
  const classes = `${styles.item} ${danger ? styles.danger : ""}`;
  return (
    <button type="button" {...role} tabIndex={-1} className={classes} onClick={onSelect}>
      {Icon && <Icon size={16} aria-hidden="true" />}
      {children}
    </button>
  );
}

export function MenuGroup({ label, children }: { label: string; children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is not allowed inside a menu.
    <div role="group" aria-label={label} className={styles.group}>
      <p className={styles.label} aria-hidden="true">
        {label}
      </p>
      {children}
    </div>
  );
}

const items = (menu: HTMLElement) => [...menu.querySelectorAll<HTMLElement>("[role^='menuitem']")];

function moveFocus(event: KeyboardEvent<HTMLDivElement>) {
  const all = items(event.currentTarget);
  const at = all.indexOf(document.activeElement as HTMLElement);
  const last = all.length - 1;
  const next = { ArrowDown: at === last ? 0 : at + 1, ArrowUp: at <= 0 ? last : at - 1, Home: 0, End: last }[
    event.key
  ];
  if (event.key === "Tab") event.currentTarget.hidePopover();
  if (next === undefined) return;
  event.preventDefault();
  all[next]?.focus();
}
