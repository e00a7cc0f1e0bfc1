import { ButtonLink, Card } from "@seamark/ui";
import { Download } from "lucide-react";
import { texts } from "../texts";
import styles from "./FormatHelp.module.css";

const SAMPLE = `name,email,phone,organisation,notes,tags
Ada Lovelace,ada@example.com,+44 20 7946 0000,Analytical Engines,"Prefers letters,
answers e-mail too",vip;mathematics
Grace Hopper,grace@example.com,,Navy,,newsletter
`;

/** What the file must look like, and one that does. */
export function FormatHelp() {
  return (
    <Card
      title={texts.format}
      actions={
        <ButtonLink
          small
          icon={Download}
          href={`data:text/csv;charset=utf-8,${encodeURIComponent(SAMPLE)}`}
          download="contacts-example.csv"
        >
          {texts.sample}
        </ButtonLink>
      }
    >
      <ul className={styles.rules}>
        {texts.formatRules.map(rule => (
          <li key={rule}>{rule}</li>
        ))}
      </ul>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls sideways, also by keyboard. */}
      <pre className={styles.sample} tabIndex={0}>
        {SAMPLE}
      </pre>
    </Card>
  );
}
