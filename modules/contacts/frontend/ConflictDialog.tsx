import { Button, Dialog } from "@seamark/ui";
import styles from "./ConflictDialog.module.css";
import type { Contact, ContactFields } from "./contacts";
import { texts } from "./texts";

interface ConflictDialogProps {
  mine: ContactFields;
  theirs: Contact;
  busy: boolean;
  onMine: () => void;
  onTheirs: () => void;
  onClose: () => void;
}

/** Someone else has saved the same contact: shows what differs and lets one choose. */
export function ConflictDialog({ mine, theirs, busy, onMine, onTheirs, onClose }: ConflictDialogProps) {
  const fields = differingFields(mine, theirs);
  return (
    <Dialog
      wide
      title={texts.conflict}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onTheirs}>{texts.keepTheirs}</Button>
          <Button look="primary" busy={busy} onClick={onMine}>
            {texts.saveMine}
          </Button>
        </>
      }
    >
      <p>{texts.conflictDetail}</p>
      <table className={styles.comparison}>
        <thead>
          <tr>
            <td />
            <th scope="col">{texts.theirs}</th>
            <th scope="col">{texts.mine}</th>
          </tr>
        </thead>
        <tbody>
          {fields.map(field => (
            <tr key={field}>
              <th scope="row">{texts[field]}</th>
              <td>{shown(theirs[field])}</td>
              <td>{shown(mine[field])}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Dialog>
  );
}

const FIELDS = ["name", "email", "phone", "organisation", "tags", "notes"] as const;

export function differingFields(mine: ContactFields, theirs: ContactFields) {
  return FIELDS.filter(field => shown(mine[field]) !== shown(theirs[field]));
}

function shown(value: string | string[] | null): string {
  return (Array.isArray(value) ? [...value].sort().join(", ") : value) || "–";
}
