import { api, body } from "@seamark/api-client";
import { appQuery, Loaded } from "@seamark/app";
import {
  Badges,
  Button,
  Card,
  Fact,
  Facts,
  Field,
  Form,
  FormActions,
  Input,
  Skeleton,
  useToast,
} from "@seamark/ui";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { CircleUser } from "lucide-react";
import { meQuery } from "./queries";
import { texts } from "./texts";

/** Who this person is to others. */
export function NameCard() {
  const me = useQuery(meQuery);
  const client = useQueryClient();
  const toast = useToast();
  const save = useMutation({
    mutationFn: (name: string) => body(api.PATCH("/api/users/me", { body: { name } })),
    onSuccess: async saved => {
      client.setQueryData(meQuery.queryKey, saved);
      await client.invalidateQueries(appQuery);
      toast({ message: texts.saved });
    },
  });

  return (
    <Card title={texts.account} icon={CircleUser}>
      <Loaded query={me} skeleton={<Skeleton />}>
        {({ name, email, roles }) => (
          <>
            <Facts>
              <Fact name={texts.email}>{email}</Fact>
              <Fact name={texts.roles}>{roles.length > 0 ? <Badges items={roles} /> : texts.noRoles}</Fact>
            </Facts>
            <Form failure={save.error} onSubmit={data => save.mutate(String(data.get("name")).trim())}>
              <Field label={texts.name} name="name" required>
                <Input defaultValue={name} autoComplete="name" maxLength={200} />
              </Field>
              <FormActions>
                <Button type="submit" busy={save.isPending}>
                  {texts.save}
                </Button>
              </FormActions>
            </Form>
          </>
        )}
      </Loaded>
    </Card>
  );
}
