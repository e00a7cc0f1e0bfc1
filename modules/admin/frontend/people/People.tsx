import { useCan } from "@seamark/app";
import { PageHeader, Stack } from "@seamark/ui";
import { texts } from "../texts";
import { AccountList } from "./AccountList";
import { NewAccountButton } from "./NewAccountButton";
import { RoleList } from "./RoleList";

export default function People() {
  const canManage = useCan("users.manage");
  return (
    <>
      <PageHeader title={texts.people} lead={texts.peopleLead} actions={canManage && <NewAccountButton />} />
      <Stack>
        <AccountList canManage={canManage} />
        <RoleList canManage={canManage} />
      </Stack>
    </>
  );
}
