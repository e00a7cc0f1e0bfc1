import { Dialog } from "@seamark/ui";
import { Menu as MenuIcon } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { Link, useLocation } from "react-router";
import { Brand } from "./Brand";
import { HeaderItems } from "./HeaderItems";
import { Navigation } from "./Navigation";
import { OfflineNotice } from "./OfflineNotice";
import styles from "./Shell.module.css";
import { texts } from "./texts";
import { UserMenu } from "./UserMenu";

/** What surrounds every page of someone who has signed in: a sidebar, or on a phone a bar and a drawer. */
export function Shell({ children }: { children: ReactNode }) {
  const [drawer, setDrawer] = useState(false);
  const { pathname } = useLocation();
  // biome-ignore lint/correctness/useExhaustiveDependencies: going somewhere closes the drawer.
  useEffect(() => setDrawer(false), [pathname]);

  return (
    <div className={styles.shell}>
      <a href="#content" className={styles.skip}>
        {texts.skip}
      </a>
      <header className={styles.bar}>
        <button
          type="button"
          className={styles.open}
          aria-label={texts.openNavigation}
          aria-haspopup="dialog"
          onClick={() => setDrawer(true)}
        >
          <MenuIcon size={20} aria-hidden="true" />
        </button>
        <Home />
        <div className={styles.items}>
          <HeaderItems />
          <UserMenu compact />
        </div>
      </header>
      <header className={styles.sidebar}>
        <div className={styles.top}>
          <Home />
          <div className={styles.items}>
            <HeaderItems />
          </div>
        </div>
        <Navigation />
        <UserMenu />
      </header>
      {drawer && (
        <Dialog title={texts.name} shape="drawer" onClose={() => setDrawer(false)}>
          <Navigation />
        </Dialog>
      )}
      <main id="content" tabIndex={-1} className={styles.main}>
        <OfflineNotice />
        {children}
      </main>
    </div>
  );
}

function Home() {
  return (
    <Link to="/" className={styles.home} aria-label={`${texts.name}: ${texts.home}`}>
      <Brand />
    </Link>
  );
}
