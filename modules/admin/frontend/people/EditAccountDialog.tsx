import { api } from "@seamark/api-client";
import { Button, Checkbox, Dialog, Field, Form, FormActions, Input } from "@seamark/ui";
import { LockOpen, LogOut } from "lucide-react";
import { texts } from "../texts";
import type { Account } from "./accounts";
import { RoleChoices } from "./RoleChoices";
import { useChange } from "./useChange";

export function EditAccountDialog({ account, onClose }: { account: Account; onClose: () => void }) {
  const params = { path: { id: account.id } };
  const save = useChange(
    (data: FormData) =>
      api.PATCH("/api/users/accounts/{id}", {
        params,
        body: {
          name: String(data.get("name")),
          active: data.has("active"),
          roles: data.getAll("roles").map(String),
          version: account.version,
        },
      }),
    texts.saved,
    onClose,
  );
  const signOut = useChange(
    () => api.POST("/api/users/accounts/{id}/end-sessions", { params }),
    texts.signedOut(account.name),
    onClose,
  );
  const allowTrying = useChange(
    () => api.POST("/api/users/accounts/{id}/forget-failed-sign-ins", { params }),
    texts.mayTryAgain(account.name),
    onClose,
  );

  return (
    <Dialog title={account.name} onClose={onClose}>
      <p>{account.email}</p>
      <Form failure={save.error ?? signOut.error ?? allowTrying.error} onSubmit={save.mutate}>
        <Field label={texts.name} name="name" required>
          <Input defaultValue={account.name} autoComplete="off" maxLength={100} />
        </Field>
        <RoleChoices chosen={account.roles} />
        <Checkbox
          name="active"
          label={texts.mayUse}
          hint={texts.mayUseHint}
          defaultChecked={account.active}
        />
        <FormActions>
          <Button type="submit" look="primary" busy={save.isPending}>
            {texts.save}
          </Button>
          <Button onClick={onClose}>{texts.cancel}</Button>
          <Button
            look="quiet"
            icon={LogOut}
            busy={signOut.isPending}
            onClick={() => signOut.mutate(undefined)}
          >
            {texts.signOutEverywhere}
          </Button>
          <Button
            look="quiet"
            icon={LockOpen}
            busy={allowTrying.isPending}
            onClick={() => allowTrying.mutate(undefined)}
          >
            {texts.allowTrying}
          </Button>
        </FormActions>
      </Form>
    </Dialog>
  );
}
