import { Badges, Card, Fact, Facts, Stack, Time } from "@seamark/ui";
import styles from "./ContactDetails.module.css";
import type { Contact } from "./contacts";
import { texts } from "./texts";

export function ContactDetails({ contact }: { contact: Contact }) {
  const { email, phone, organisation, tags, notes, created_at, updated_at } = contact;
  return (
    <Stack>
      <Card>
        <Facts>
          <Fact name={texts.email}>
            <a href={`mailto:${email}`}>{email}</a>
          </Fact>
          {phone && (
            <Fact name={texts.phone}>
              <a href={`tel:${phone.replaceAll(/[^+\d]/g, "")}`}>{phone}</a>
            </Fact>
          )}
          {organisation && <Fact name={texts.organisation}>{organisation}</Fact>}
          {tags.length > 0 && (
            <Fact name={texts.tags}>
              <Badges items={tags} />
            </Fact>
          )}
        </Facts>
      </Card>
      {notes && (
        <Card title={texts.notes}>
          <p className={styles.notes}>{notes}</p>
        </Card>
      )}
      <p className={styles.history}>
        {texts.addedOn} <Time value={created_at} /> · {texts.updated} <Time value={updated_at} />
      </p>
    </Stack>
  );
}
