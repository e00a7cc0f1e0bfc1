import "@fontsource-variable/inter/wght.css";
import "@seamark/ui/tokens.css";
import "@seamark/ui/base.css";
import { createQueryClient } from "@seamark/app";
import { ToastProvider } from "@seamark/ui";
import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { BrowserRouter } from "react-router";
import { App } from "./App";
import { loadModule, moduleOf } from "./modules";
import { isReloading, reloadOnNewRelease } from "./release";
import { applyTheme } from "./theme";

applyTheme();
reloadOnNewRelease();
// Beside the question who is there, not after it. A failure shows when the page is drawn.
loadModule(moduleOf(window.location.pathname)).catch(() => {});

const root = document.getElementById("root");
if (!root) throw new Error("The page has no #root to draw the application into");
createRoot(root, {
  onCaughtError: error => {
    if (!isReloading()) reportError(error);
  },
}).render(
  <StrictMode>
    <QueryClientProvider client={createQueryClient()}>
      <BrowserRouter>
        <ToastProvider>
          <App />
        </ToastProvider>
      </BrowserRouter>
    </QueryClientProvider>
  </StrictMode>,
);
