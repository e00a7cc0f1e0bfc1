import { ProgressBar } from "@seamark/ui";
import { FileUp } from "lucide-react";
import { type DragEvent, useId, useRef, useState } from "react";
import { texts } from "../texts";
import styles from "./FileDrop.module.css";

interface FileDropProps {
  busy: boolean;
  onFile: (file: File) => void;
}

/** Choose a file, or drop one. */
export function FileDrop({ busy, onFile }: FileDropProps) {
  const [over, setOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const id = useId();

  function take(files: FileList | null | undefined) {
    const file = files?.[0];
    if (file && !busy) onFile(file);
    if (input.current) input.current.value = ""; // The same file may be chosen again, corrected.
  }

  function drop(event: DragEvent) {
    event.preventDefault();
    setOver(false);
    take(event.dataTransfer.files);
  }

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is a shortcut; the label's file field does the same.
    <div
      className={`${styles.drop} ${over ? styles.over : ""}`}
      onDragOver={event => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      {busy ? (
        <div className={styles.busy} role="status">
          <p>{texts.uploading}</p>
          <ProgressBar label={texts.uploading} />
        </div>
      ) : (
        <>
          <FileUp size={28} aria-hidden="true" />
          <input
            ref={input}
            id={id}
            type="file"
            accept=".csv,text/csv,text/plain"
            className={styles.input}
            onChange={event => take(event.target.files)}
          />
          <label htmlFor={id} className={styles.label}>
            {texts.chooseFile}
          </label>
          <p className={styles.hint}>{texts.orDrop}</p>
        </>
      )}
    </div>
  );
}
