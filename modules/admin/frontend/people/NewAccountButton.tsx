import { api } from "@seamark/api-client";
import { Button, Dialog, Field, Form, FormActions, Input, PasswordInput } from "@seamark/ui";
import { UserPlus } from "lucide-react";
import { useState } from "react";
import { texts } from "../texts";
import { RoleChoices } from "./RoleChoices";
import { useChange } from "./useChange";

export function NewAccountButton() {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button look="primary" icon={UserPlus} onClick={() => setOpen(true)}>
        {texts.newAccount}
      </Button>
      {open && <NewAccountDialog onClose={() => setOpen(false)} />}
    </>
  );
}

function NewAccountDialog({ onClose }: { onClose: () => void }) {
  const create = useChange(
    (data: FormData) =>
      api.POST("/api/users/accounts", {
        body: {
          name: String(data.get("name")),
          email: String(data.get("email")),
          password: String(data.get("password")),
          roles: data.getAll("roles").map(String),
        },
      }),
    texts.accountCreated,
    onClose,
  );
  return (
    <Dialog title={texts.newAccount} onClose={onClose}>
      <Form failure={create.error} onSubmit={create.mutate}>
        <Field label={texts.name} name="name" required>
          <Input autoComplete="off" maxLength={100} autoFocus />
        </Field>
        <Field label={texts.email} name="email" required>
          <Input type="email" autoComplete="off" />
        </Field>
        <Field label={texts.firstPassword} name="password" hint={texts.firstPasswordHint} required>
          <PasswordInput autoComplete="new-password" />
        </Field>
        <RoleChoices />
        <FormActions>
          <Button type="submit" look="primary" busy={create.isPending}>
            {texts.create}
          </Button>
          <Button onClick={onClose}>{texts.cancel}</Button>
        </FormActions>
      </Form>
    </Dialog>
  );
}
