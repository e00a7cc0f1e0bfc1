import { type ReactNode, type ToggleEvent, useId, useLayoutEffect, useRef, useState } from "react";
import layer from "./Layer.module.css";
import styles from "./Popover.module.css";
import { place } from "./place";

interface PopoverProps {
  /** What opens is called. */
  label: string;
  /** What the button is called, where its content does not say it. */
  triggerLabel?: string;
  trigger: ReactNode;
  /** Drawn while it is open; `close` is for what leads away. */
  children: (close: () => void) => ReactNode;
}

/** A button, and what it lays over the page beside it. Escape and a click elsewhere close it: the browser's own popover. */
export function Popover({ label, triggerLabel, trigger, children }: PopoverProps) {
  const button = useRef<HTMLButtonElement>(null);
  const popover = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState(false);
  const id = useId();
  const close = () => popover.current?.hidePopover();

  // Once its content is there: that decides where it has room.
  useLayoutEffect(() => {
    if (!open) return;
    popover.current?.focus({ preventScroll: true });
    const settle = () => {
      if (popover.current && button.current) place(popover.current, button.current.getBoundingClientRect());
    };
    settle();
    window.addEventListener("resize", settle);
    return () => window.removeEventListener("resize", settle);
  }, [open]);

  return (
    <>
      <button
        ref={button}
        type="button"
        className={`${layer.trigger} ${styles.trigger}`}
        popoverTarget={id}
        aria-haspopup="dialog"
        aria-expanded={open}
        aria-label={triggerLabel}
        title={triggerLabel}
      >
        {trigger}
      </button>
      <div
        ref={popover}
        id={id}
        popover="auto"
        role="dialog"
        aria-label={label}
        tabIndex={-1}
        className={`${layer.layer} ${styles.popover}`}
        onToggle={(event: ToggleEvent<HTMLDivElement>) => setOpen(event.newState === "open")}
      >
        {open && children(close)}
      </div>
    </>
  );
}
