import { ListTable, useListState, useSearchText } from "@seamark/app";
import { Badge, Badges, Button, type Column, EmptyState, SearchInput, Stack, Time } from "@seamark/ui";
import { useQuery } from "@tanstack/react-query";
import { SearchX } from "lucide-react";
import { useState } from "react";
import { texts } from "../texts";
import { type Account, accountsQuery } from "./accounts";
import { EditAccountDialog } from "./EditAccountDialog";
import styles from "./People.module.css";

export function AccountList({ canManage }: { canManage: boolean }) {
  const list = useListState("name");
  const accounts = useQuery(accountsQuery(list));
  const [text, setText] = useSearchText(list.q, list.setSearch);
  const [edited, setEdited] = useState<Account>();

  return (
    <Stack>
      <search className={styles.search}>
        <SearchInput
          label={texts.searchPeople}
          value={text}
          onChange={event => setText(event.target.value)}
        />
      </search>
      <ListTable
        caption={texts.people}
        list={list}
        query={accounts}
        columns={canManage ? [...columns, editColumn(setEdited)] : columns}
        empty={<EmptyState icon={SearchX} title={texts.nobody} />}
        lines={4}
      />
      {edited && <EditAccountDialog account={edited} onClose={() => setEdited(undefined)} />}
    </Stack>
  );
}

const columns: Column<Account>[] = [
  { key: "name", header: texts.name, sortable: true, cell: row => row.name },
  { key: "email", header: texts.email, sortable: true, cell: row => row.email },
  { key: "roles", header: texts.roles, cell: row => row.roles.length > 0 && <Badges items={row.roles} /> },
  {
    key: "active",
    header: texts.status,
    cell: row => (row.active ? texts.active : <Badge tone="warning">{texts.inactive}</Badge>),
  },
  {
    key: "created_at",
    header: texts.since,
    sortable: true,
    narrow: true,
    cell: row => <Time value={row.created_at} />,
  },
];

const editColumn = (onEdit: (account: Account) => void): Column<Account> => ({
  key: "edit",
  header: "",
  narrow: true,
  align: "end",
  cell: row => (
    <Button small aria-label={texts.editSomeone(row.name)} onClick={() => onEdit(row)}>
      {texts.edit}
    </Button>
  ),
});
