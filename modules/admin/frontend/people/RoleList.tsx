import { Loaded } from "@seamark/app";
import { Badge, Button, Card, Skeleton } from "@seamark/ui";
import { useQuery } from "@tanstack/react-query";
import { Plus, ShieldCheck } from "lucide-react";
import { useState } from "react";
import { texts } from "../texts";
import { type Role, rolesQuery } from "./accounts";
import styles from "./People.module.css";
import { RoleDialog } from "./RoleDialog";

export function RoleList({ canManage }: { canManage: boolean }) {
  const roles = useQuery(rolesQuery);
  const [edited, setEdited] = useState<Role | "new">();
  return (
    <Card
      title={texts.roles}
      icon={ShieldCheck}
      actions={
        canManage && (
          <Button small icon={Plus} onClick={() => setEdited("new")}>
            {texts.newRole}
          </Button>
        )
      }
    >
      <Loaded query={roles} skeleton={<Skeleton />}>
        {items => (
          <ul className={styles.roles}>
            {items.map(role => (
              <li key={role.name}>
                <div>
                  <p className={styles.label}>
                    {role.label} {role.built_in && <Badge>{texts.builtIn}</Badge>}
                  </p>
                  <p className={styles.detail}>{texts.permissionCount(role.permissions.length)}</p>
                </div>
                {canManage && !role.built_in && (
                  <Button small aria-label={texts.editSomeone(role.label)} onClick={() => setEdited(role)}>
                    {texts.edit}
                  </Button>
                )}
              </li>
            ))}
          </ul>
        )}
      </Loaded>
      {edited && (
        <RoleDialog role={edited === "new" ? undefined : edited} onClose={() => setEdited(undefined)} />
      )}
    </Card>
  );
}
