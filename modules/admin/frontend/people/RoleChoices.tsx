import { Checkbox } from "@seamark/ui";
import { useQuery } from "@tanstack/react-query";
import { texts } from "../texts";
import { rolesQuery } from "./accounts";
import styles from "./People.module.css";

/** Which roles somebody has; read from the form with `getAll("roles")`. */
export function RoleChoices({ chosen = [] }: { chosen?: string[] }) {
  const roles = useQuery(rolesQuery).data ?? [];
  return (
    <fieldset className={styles.choices}>
      <legend>{texts.roles}</legend>
      {roles.map(({ name, label }) => (
        <Checkbox key={name} name="roles" value={name} label={label} defaultChecked={chosen.includes(name)} />
      ))}
    </fieldset>
  );
}
