import { X } from "lucide-react";
import { createContext, type ReactNode, useCallback, useContext, useEffect, useRef, useState } from "react";
import { Button, IconButton } from "./Button";
import styles from "./Toast.module.css";
import { texts } from "./texts";

interface Toast {
  message: string;
  tone?: "plain" | "danger";
  /** Something to do about it, such as undoing; the toast goes once it is chosen. */
  action?: { label: string; onSelect: () => void };
}

type Shown = Toast & { id: number };

const ToastContext = createContext<(toast: Toast) => void>(() => {});

/** Shows a short message at the edge of the window, read out by screen readers. */
export const useToast = () => useContext(ToastContext);

/** Long enough to read and act; stops while the pointer or the focus is on it (WCAG 2.2.1). */
const LIFETIME = 10_000;
const AT_MOST = 3;

export function ToastProvider({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<Shown[]>([]);
  const nextId = useRef(0);
  const show = useCallback((toast: Toast) => {
    const id = nextId.current++;
    setToasts(before => [...before, { ...toast, id }].slice(-AT_MOST));
  }, []);
  const dismiss = useCallback(
    (id: number) => setToasts(before => before.filter(toast => toast.id !== id)),
    [],
  );

  return (
    <ToastContext value={show}>
      {children}
      <section
        aria-label={texts.notifications}
        aria-live="polite"
        aria-relevant="additions"
        className={styles.region}
      >
        {toasts.map(toast => (
          <ToastCard key={toast.id} toast={toast} onDismiss={() => dismiss(toast.id)} />
        ))}
      </section>
    </ToastContext>
  );
}

function ToastCard({ toast, onDismiss }: { toast: Shown; onDismiss: () => void }) {
  const [held, setHeld] = useState(false);
  const dismiss = useRef(onDismiss);
  dismiss.current = onDismiss;

  useEffect(() => {
    if (held) return;
    const timer = setTimeout(() => dismiss.current(), LIFETIME);
    return () => clearTimeout(timer);
  }, [held]);

  const { message, tone = "plain", action } = toast;
  return (
    <output
      className={`${styles.toast} ${styles[tone]}`}
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
    >
      <span className={styles.message}>{message}</span>
      {action && (
        <Button
          look="quiet"
          small
          className={styles.action}
          onClick={() => {
            action.onSelect();
            onDismiss();
          }}
        >
          {action.label}
        </Button>
      )}
      <IconButton label={texts.dismiss} icon={X} small className={styles.close} onClick={onDismiss} />
    </output>
  );
}
