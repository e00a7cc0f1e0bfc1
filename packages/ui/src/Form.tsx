import {
  createContext,
  type FormEvent,
  type ReactNode,
  useContext,
  useEffect,
  useRef,
  useState,
} from "react";
import { Alert } from "./Alert";
import styles from "./Form.module.css";
import { texts } from "./texts";

/** What a failed submission says; the API client's `Problem` has this shape. */
export interface Failure {
  message: string;
  errors?: { field: string; message: string }[];
}

type Errors = Record<string, string>;
const ErrorsContext = createContext<Errors>({});
export const useFieldError = (name: string): string | undefined => useContext(ErrorsContext)[name];

interface FormProps {
  onSubmit: (data: FormData) => void;
  /** Why the last submission failed: shown at the fields it names, the rest above the form. */
  failure?: Failure | null;
  children: ReactNode;
  className?: string;
  label?: string;
}

/** Checks what the browser can check, in the form's own words and place, and leads to the first wrong field. */
export function Form({ onSubmit, failure, children, className, label }: FormProps) {
  const form = useRef<HTMLFormElement>(null);
  const [local, setLocal] = useState<Errors>({});
  const [unplaced, setUnplaced] = useState<string[]>([]);
  const remote: Errors = Object.fromEntries(
    (failure?.errors ?? []).map(error => [error.field, error.message]),
  );

  useEffect(() => {
    const elements = form.current?.elements;
    const strays = (failure?.errors ?? []).filter(error => !elements?.namedItem(error.field));
    setUnplaced(strays.map(error => `${error.field}: ${error.message}`));
    if (failure) focusFirstInvalid(form.current);
  }, [failure]);

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const found = invalidFields(event.currentTarget);
    setLocal(found);
    if (Object.keys(found).length > 0) requestAnimationFrame(() => focusFirstInvalid(form.current));
    else onSubmit(new FormData(event.currentTarget));
  }

  const hasLocal = Object.keys(local).length > 0;
  const general = failure && !hasLocal && (failure.errors?.length ? texts.formInvalid : failure.message);
  return (
    <form ref={form} noValidate aria-label={label} className={className ?? styles.form} onSubmit={submit}>
      {general && (
        <Alert tone="danger" title={general}>
          {unplaced.length > 0 && unplaced.map(line => <p key={line}>{line}</p>)}
        </Alert>
      )}
      <ErrorsContext value={hasLocal ? local : remote}>{children}</ErrorsContext>
    </form>
  );
}

export function FormActions({ children }: { children: ReactNode }) {
  return <div className={styles.actions}>{children}</div>;
}

function invalidFields(form: HTMLFormElement): Errors {
  const errors: Errors = {};
  for (const element of form.elements) {
    if (isControl(element) && element.name && !element.validity.valid)
      errors[element.name] = element.validationMessage;
  }
  return errors;
}

function isControl(element: Element): element is HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement {
  return element.matches("input, select, textarea");
}

function focusFirstInvalid(form: HTMLFormElement | null) {
  form?.querySelector<HTMLElement>("[aria-invalid='true']")?.focus();
}
