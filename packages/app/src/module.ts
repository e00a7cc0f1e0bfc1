import type { ComponentType } from "react";

/** What `modules/<name>/frontend/module.tsx` exports by default: the twin of the module's Python manifest. */
export interface FrontendModule {
  /** The module's one name. */
  name: string;
  /** The manifest's page paths, each with its component; make these lazy, so that a page is loaded when it is opened. */
  pages: Record<string, ComponentType>;
  /** Those of its pages that may be seen without having signed in. */
  publicPages?: string[];
  /** A card for the start page. */
  dashboard?: ComponentType;
  /** A small control for the application's header, on every page of somebody who has signed in; draws nothing while it loads or fails. */
  header?: ComponentType;
}
