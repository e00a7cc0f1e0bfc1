import { api } from "@seamark/api-client";
import { PROFILE, SIGN_IN, useApp } from "@seamark/app";
import { Menu, MenuGroup, MenuItem, SpokenOnly, useToast } from "@seamark/ui";
import { CircleUser, LogOut } from "lucide-react";
import { useNavigate } from "react-router";
import { texts } from "./texts";
import { setTheme, themes, useTheme } from "./theme";
import styles from "./UserMenu.module.css";

/** Who is signed in, and what concerns only them. `compact` shows the initials alone. */
export function UserMenu({ compact = false }: { compact?: boolean }) {
  const { user } = useApp();
  const navigate = useNavigate();
  const theme = useTheme();
  const toast = useToast();
  if (!user) return null;

  async function signOut() {
    try {
      await api.POST("/api/users/sign-out");
      // A fresh page: nothing that this person saw stays in memory.
      window.location.assign(SIGN_IN);
    } catch {
      toast({ message: texts.signOutFailed, tone: "danger" });
    }
  }

  return (
    <Menu
      label={compact ? `${texts.accountOf} ${user.name}` : undefined}
      triggerClass={`${styles.trigger} ${compact ? styles.compact : ""}`}
      trigger={
        <>
          <span className={styles.initials} aria-hidden="true">
            {initials(user.name)}
          </span>
          {!compact && (
            <span className={styles.who}>
              <SpokenOnly>{texts.accountOf}</SpokenOnly>
              <span>{user.name}</span>
              <small>{user.email}</small>
            </span>
          )}
        </>
      }
    >
      <MenuItem icon={CircleUser} onSelect={() => navigate(PROFILE)}>
        {texts.profile}
      </MenuItem>
      <MenuGroup label={texts.theme}>
        {themes.map(choice => (
          <MenuItem key={choice} checked={choice === theme} onSelect={() => setTheme(choice)}>
            {texts.themes[choice]}
          </MenuItem>
        ))}
      </MenuGroup>
      <MenuItem icon={LogOut} onSelect={signOut}>
        {texts.signOut}
      </MenuItem>
    </Menu>
  );
}

function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  const letters = [words[0], words.length > 1 ? words.at(-1) : ""].map(word => [...(word ?? "")][0] ?? "");
  return letters.join("").toLocaleUpperCase();
}
