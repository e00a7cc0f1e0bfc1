import { api, Problem } from "@seamark/api-client";
import { useApp } from "@seamark/app";
import { Button, Card, type Failure, Field, Form, FormActions, PasswordInput, useToast } from "@seamark/ui";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { KeyRound } from "lucide-react";
import { useState } from "react";
import { sessionsQuery } from "./queries";
import { texts } from "./texts";

export function PasswordCard() {
  const { user } = useApp();
  const client = useQueryClient();
  const toast = useToast();
  const [round, setRound] = useState(0);
  const change = useMutation({
    mutationFn: (passwords: { current_password: string; new_password: string }) =>
      api.POST("/api/users/me/password", { body: passwords }),
    onSuccess: async () => {
      toast({ message: texts.passwordChanged });
      setRound(round + 1); // A new form, with empty fields.
      await client.invalidateQueries(sessionsQuery);
    },
  });

  return (
    <Card title={texts.changePassword} icon={KeyRound}>
      <Form
        key={round}
        label={texts.changePassword}
        failure={explain(change.error)}
        onSubmit={data =>
          change.mutate({
            current_password: String(data.get("current_password")),
            new_password: String(data.get("new_password")),
          })
        }
      >
        {/* So that a password manager knows whose password this is. */}
        <input hidden readOnly autoComplete="username" value={user?.email ?? ""} />
        <Field label={texts.currentPassword} name="current_password" required>
          <PasswordInput autoComplete="current-password" />
        </Field>
        <Field label={texts.newPassword} name="new_password" hint={texts.passwordHint} required>
          <PasswordInput autoComplete="new-password" />
        </Field>
        <FormActions>
          <Button type="submit" busy={change.isPending}>
            {texts.changePassword}
          </Button>
        </FormActions>
      </Form>
    </Card>
  );
}

function explain(error: Error | null): Failure | null {
  const isWrong = error instanceof Problem && error.code === "users.wrong_password";
  if (!isWrong) return error;
  return { message: error.message, errors: [{ field: "current_password", message: texts.wrongPassword }] };
}
