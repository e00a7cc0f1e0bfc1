import { PageHeader, Stack } from "@seamark/ui";
import { NameCard } from "./NameCard";
import { PasswordCard } from "./PasswordCard";
import { SessionsCard } from "./SessionsCard";
import { texts } from "./texts";

export default function Profile() {
  return (
    <>
      <PageHeader title={texts.profile} lead={texts.profileLead} />
      <Stack>
        <NameCard />
        <PasswordCard />
        <SessionsCard />
      </Stack>
    </>
  );
}
