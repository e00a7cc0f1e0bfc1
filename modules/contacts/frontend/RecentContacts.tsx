import { Loaded, useCan } from "@seamark/app";
import { Card, Skeleton, Time } from "@seamark/ui";
import { useQuery } from "@tanstack/react-query";
import { Users } from "lucide-react";
import { Link } from "react-router";
import { contactPath, contactsQuery } from "./contacts";
import styles from "./RecentContacts.module.css";
import { texts } from "./texts";

/** On the start page: who was added or changed last. */
export default function RecentContacts() {
  const canView = useCan("contacts.view");
  return canView ? <RecentContactsCard /> : null;
}

function RecentContactsCard() {
  const recent = useQuery(contactsQuery({ q: "", sort: "-updated_at", cursor: undefined }, 5));
  return (
    <Card title={texts.recent} icon={Users} more={{ to: "/contacts", label: texts.allContacts }}>
      <Loaded query={recent} skeleton={<Skeleton lines={5} />}>
        {({ items }) =>
          items.length === 0 ? (
            <p className={styles.empty}>{texts.emptyDetail}</p>
          ) : (
            <ul className={styles.list}>
              {items.map(({ id, name, organisation, email, updated_at }) => (
                <li key={id}>
                  <Link to={contactPath(id)}>
                    <span className={styles.name}>{name}</span>
                    <span className={styles.detail}>{organisation ?? email}</span>
                  </Link>
                  <span className={styles.when}>
                    <Time value={updated_at} />
                  </span>
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
    </Card>
  );
}
