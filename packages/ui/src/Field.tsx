import { createContext, type ReactNode, useContext, useId } from "react";
import styles from "./Field.module.css";
import { useFieldError } from "./Form";
import { texts } from "./texts";

/** What a control inside a `Field` takes over from it. */
export interface Wiring {
  id?: string;
  name?: string;
  required?: boolean;
  "aria-describedby"?: string;
  "aria-invalid"?: true;
}

const FieldContext = createContext<Wiring>({});
export const useField = () => useContext(FieldContext);

interface FieldProps {
  label: string;
  /** The member of the form's data, and the field that a problem document names. */
  name: string;
  hint?: ReactNode;
  required?: boolean;
  /** Beyond what the surrounding form says of this field. */
  error?: string;
  children: ReactNode;
}

/** A label, its control, a hint and an error, tied together for assistive technology. */
export function Field({ label, name, hint, required = false, error, children }: FieldProps) {
  const id = useId();
  const message = useFieldError(name) ?? error;
  const described = [hint && `${id}-hint`, message && `${id}-error`].filter(Boolean).join(" ");
  const wiring: Wiring = {
    id,
    name,
    required,
    "aria-describedby": described || undefined,
    "aria-invalid": message ? true : undefined,
  };
  return (
    <div className={styles.field}>
      <label htmlFor={id} className={styles.label}>
        {label}
        {!required && <span className={styles.optional}>{texts.optional}</span>}
      </label>
      <FieldContext value={wiring}>{children}</FieldContext>
      {hint && (
        <p id={`${id}-hint`} className={styles.hint}>
          {hint}
        </p>
      )}
      {message && (
        <p id={`${id}-error`} className={styles.error}>
          {message}
        </p>
      )}
    </div>
  );
}
