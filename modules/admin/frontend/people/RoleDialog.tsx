import { api } from "@seamark/api-client";
import { Button, Checkbox, Dialog, Field, Form, FormActions, Input, Skeleton } from "@seamark/ui";
import { useQuery } from "@tanstack/react-query";
import { Trash2 } from "lucide-react";
import { texts } from "../texts";
import { type Permission, permissionsQuery, type Role } from "./accounts";
import styles from "./People.module.css";
import { useChange } from "./useChange";

/** What a role is called and what it allows. */
export function RoleDialog({ role, onClose }: { role: Role | undefined; onClose: () => void }) {
  const permissions = useQuery(permissionsQuery);
  const save = useChange(
    (data: FormData) => {
      const label = String(data.get("label"));
      return api.PUT("/api/users/roles/{name}", {
        params: { path: { name: role?.name ?? roleName(label) } },
        body: { label, permissions: data.getAll("permissions").map(String) },
      });
    },
    texts.saved,
    onClose,
  );
  const remove = useChange(
    (name: string) => api.DELETE("/api/users/roles/{name}", { params: { path: { name } } }),
    texts.roleDeleted,
    onClose,
  );

  return (
    <Dialog title={role?.label ?? texts.newRole} onClose={onClose}>
      <Form failure={save.error ?? remove.error} onSubmit={save.mutate}>
        <Field label={texts.name} name="label" required>
          <Input defaultValue={role?.label} autoComplete="off" maxLength={100} />
        </Field>
        {permissions.data ? (
          [...byModule(permissions.data)].map(([module, declared]) => (
            <fieldset key={module} className={styles.choices}>
              <legend>{module}</legend>
              {declared.map(({ name, label }) => (
                <Checkbox
                  key={name}
                  name="permissions"
                  value={name}
                  label={label}
                  defaultChecked={role?.permissions.includes(name)}
                />
              ))}
            </fieldset>
          ))
        ) : (
          <Skeleton />
        )}
        <FormActions>
          <Button type="submit" look="primary" busy={save.isPending} disabled={!permissions.data}>
            {texts.save}
          </Button>
          <Button onClick={onClose}>{texts.cancel}</Button>
          {role && (
            <Button
              look="quiet"
              icon={Trash2}
              busy={remove.isPending}
              onClick={() => remove.mutate(role.name)}
            >
              {texts.deleteRole}
            </Button>
          )}
        </FormActions>
      </Form>
    </Dialog>
  );
}

const byModule = (permissions: Permission[]) => Map.groupBy(permissions, ({ module }) => module);

/** A role's name for the software, made of the one for people once and then kept: `Front desk` is `front-desk`. */
export function roleName(label: string): string {
  const plain = label.normalize("NFKD").replaceAll(/\p{M}/gu, "").toLowerCase();
  return (
    plain
      .replaceAll(/[^a-z0-9]+/g, "-")
      .replaceAll(/^[^a-z]+|-+$/g, "")
      .slice(0, 50) || "role"
  );
}
