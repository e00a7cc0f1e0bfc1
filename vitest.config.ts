import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [react()],
  test: {
    environment: "jsdom",
    setupFiles: ["./vitest.setup.ts"],
    include: [
      "host/client_app/**/*.test.{ts,tsx}",
      "packages/*/src/**/*.test.{ts,tsx}",
      "modules/*/frontend/**/*.test.{ts,tsx}",
    ],
    restoreMocks: true,
    unstubGlobals: true,
    css: { modules: { classNameStrategy: "non-scoped" } },
  },
});
