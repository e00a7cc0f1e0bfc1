import { ListTable, useCan, useListState, useSearchText } from "@seamark/app";
import {
  Badges,
  Button,
  ButtonLink,
  type Column,
  EmptyState,
  PageHeader,
  RowLink,
  SearchInput,
  Stack,
  Time,
} from "@seamark/ui";
import { useQuery } from "@tanstack/react-query";
import { Download, Plus, SearchX, Upload, Users } from "lucide-react";
import styles from "./ContactList.module.css";
import { type Contact, contactPath, contactsQuery, DEFAULT_SORT } from "./contacts";
import { texts } from "./texts";

const columns: Column<Contact>[] = [
  {
    key: "name",
    header: texts.name,
    sortable: true,
    cell: row => <RowLink to={contactPath(row.id)}>{row.name}</RowLink>,
  },
  { key: "email", header: texts.email, sortable: true, cell: row => row.email },
  { key: "organisation", header: texts.organisation, cell: row => row.organisation },
  { key: "tags", header: texts.tags, cell: row => row.tags.length > 0 && <Badges items={row.tags} /> },
  {
    key: "updated_at",
    header: texts.updated,
    sortable: true,
    narrow: true,
    cell: row => <Time value={row.updated_at} />,
  },
];

export default function ContactList() {
  const list = useListState(DEFAULT_SORT);
  const contacts = useQuery(contactsQuery(list));
  const [text, setText] = useSearchText(list.q, list.setSearch);
  const canWrite = useCan("contacts.write");

  return (
    <>
      <PageHeader
        title={texts.contacts}
        actions={
          <>
            <ButtonLink href={exportHref(list.q)} download icon={Download}>
              {texts.export}
            </ButtonLink>
            {canWrite && (
              <>
                <ButtonLink to="/contacts/import" icon={Upload}>
                  {texts.import}
                </ButtonLink>
                <ButtonLink to="/contacts/new" look="primary" icon={Plus}>
                  {texts.newContact}
                </ButtonLink>
              </>
            )}
          </>
        }
      />
      <Stack>
        <search className={styles.search}>
          <SearchInput label={texts.search} value={text} onChange={event => setText(event.target.value)} />
        </search>
        <ListTable
          caption={texts.contacts}
          list={list}
          query={contacts}
          columns={columns}
          empty={<NoContacts q={list.q} onClear={() => setText("")} canWrite={canWrite} />}
        />
      </Stack>
    </>
  );
}

/** The file holds what the search finds, not the whole book. */
const exportHref = (q: string) => `/api/contacts/export.csv${q ? `?${new URLSearchParams({ q })}` : ""}`;

interface NoContactsProps {
  q: string;
  onClear: () => void;
  canWrite: boolean;
}

function NoContacts({ q, onClear, canWrite }: NoContactsProps) {
  if (q) {
    const clear = <Button onClick={onClear}>{texts.clearSearch}</Button>;
    return <EmptyState icon={SearchX} title={texts.nothingFound(q)} actions={clear} />;
  }
  const begin = canWrite && (
    <>
      <ButtonLink to="/contacts/import" icon={Upload}>
        {texts.importCsv}
      </ButtonLink>
      <ButtonLink to="/contacts/new" look="primary" icon={Plus}>
        {texts.newContact}
      </ButtonLink>
    </>
  );
  return (
    <EmptyState icon={Users} title={texts.empty} actions={begin}>
      {texts.emptyDetail}
    </EmptyState>
  );
}
