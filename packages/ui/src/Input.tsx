import { Eye, EyeOff, Search } from "lucide-react";
import { type ComponentProps, useState } from "react";
import { useField } from "./Field";
import styles from "./Input.module.css";
import { texts } from "./texts";

export function Input({ className, ...props }: ComponentProps<"input">) {
  return <input type="text" {...useField()} {...props} className={`${styles.control} ${className ?? ""}`} />;
}

export function Textarea({ className, rows = 5, ...props }: ComponentProps<"textarea">) {
  const classes = `${styles.control} ${styles.area} ${className ?? ""}`;
  return <textarea rows={rows} {...useField()} {...props} className={classes} />;
}

export function Select({ className, ...props }: ComponentProps<"select">) {
  return (
    <select {...useField()} {...props} className={`${styles.control} ${styles.select} ${className ?? ""}`} />
  );
}

export function PasswordInput(props: ComponentProps<"input">) {
  const [shown, setShown] = useState(false);
  const Icon = shown ? EyeOff : Eye;
  const label = shown ? texts.hidePassword : texts.showPassword;
  return (
    <span className={styles.adorned}>
      <Input {...props} type={shown ? "text" : "password"} className={styles.roomAfter} spellCheck={false} />
      <button
        type="button"
        className={styles.after}
        aria-label={label}
        title={label}
        onClick={() => setShown(!shown)}
      >
        <Icon size={16} aria-hidden="true" />
      </button>
    </span>
  );
}

export function SearchInput({ label, ...props }: ComponentProps<"input"> & { label: string }) {
  return (
    <span className={styles.adorned}>
      <Search size={16} className={styles.before} aria-hidden="true" />
      <Input placeholder={label} {...props} type="search" aria-label={label} className={styles.roomBefore} />
    </span>
  );
}

export function Checkbox({
  label,
  hint,
  ...props
}: ComponentProps<"input"> & { label: string; hint?: string }) {
  return (
    <label className={styles.check}>
      <input {...props} type="checkbox" />
      <span>
        {label}
        {hint && <small>{hint}</small>}
      </span>
    </label>
  );
}
