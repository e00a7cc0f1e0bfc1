import { api, Problem } from "@seamark/api-client";
import { appQuery, safeNext, useApp } from "@seamark/app";
import { Button, Field, Form, Input, PasswordInput, useTitle } from "@seamark/ui";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Navigate, useSearchParams } from "react-router";
import styles from "./SignIn.module.css";
import { texts } from "./texts";

export default function SignIn() {
  const [params] = useSearchParams();
  const { name, user } = useApp();
  const client = useQueryClient();
  useTitle(texts.signIn);

  const signIn = useMutation({
    mutationFn: (credentials: { email: string; password: string }) =>
      api.POST("/api/users/sign-in", { body: credentials }),
    onSuccess: async () => {
      // What someone else has seen in this window is not for whoever comes now.
      client.removeQueries({ predicate: query => query.queryKey[0] !== appQuery.queryKey[0] });
      await client.refetchQueries(appQuery);
    },
  });

  if (user) return <Navigate to={safeNext(params.get("next"))} replace />;
  return (
    <div className={styles.page}>
      <header>
        <h1>{texts.signInTo(name)}</h1>
      </header>
      <Form
        label={texts.signIn}
        failure={explain(signIn.error)}
        onSubmit={data =>
          signIn.mutate({ email: String(data.get("email")).trim(), password: String(data.get("password")) })
        }
      >
        <Field label={texts.email} name="email" required>
          <Input type="email" autoComplete="username" autoFocus />
        </Field>
        <Field label={texts.password} name="password" required>
          <PasswordInput autoComplete="current-password" />
        </Field>
        <Button type="submit" look="primary" busy={signIn.isPending}>
          {texts.signIn}
        </Button>
      </Form>
    </div>
  );
}

const explanations: Record<string, string> = {
  "users.invalid_credentials": texts.invalidCredentials,
  "users.known_device_required": texts.knownDeviceRequired,
};

function explain(error: Error | null): Error | null {
  const text = error instanceof Problem ? explanations[error.code] : undefined;
  return text ? new Error(text) : error;
}
