import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { compression } from "./compression.ts";
import { upstream } from "./dev/upstream.ts";

const port = Number(process.env.SM_PORT ?? 8000);
const publicHost = process.env.SM_PUBLIC_URL ? new URL(process.env.SM_PUBLIC_URL).hostname : "localhost";

export default defineConfig({
  root: import.meta.dirname,
  base: "/build/",
  // The host renders every HTML page, also in development, so that the security policy is the same everywhere.
  appType: "custom",
  plugins: [upstream({ url: process.env.SM_DEV_UPSTREAM }), react(), compression()],
  server: {
    host: "127.0.0.1",
    port,
    strictPort: true,
    allowedHosts: [publicHost],
    // Answers that pass through are the host's: Vite must not add CORS headers to them.
    cors: false,
    warmup: { clientFiles: ["./src/main.tsx"] },
  },
  build: {
    outDir: "dist",
    emptyOutDir: true,
    manifest: true,
    sourcemap: false,
    // Every browser of the last two years knows light-dark(), nesting and popover; compiling them away doubles the CSS.
    cssTarget: ["chrome123", "firefox125", "safari17.5"],
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: "src/main.tsx",
      output: {
        codeSplitting: {
          groups: [
            // Kept apart so that a release of the application leaves the browser's copy of React valid.
            {
              name: "vendor",
              test: /node_modules\/(react|react-dom|scheduler|react-router|@tanstack|openapi-fetch)\//,
            },
            // One file instead of a dozen crumbs that most pages need anyway.
            { name: "shared", test: /packages\/(ui|app|api-client)\/|node_modules\/lucide-react\// },
          ],
        },
      },
    },
  },
});
