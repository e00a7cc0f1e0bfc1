// @vitest-environment node
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { build } from "vite";
import { expect, onTestFinished, test } from "vitest";
import { compression } from "./compression.ts";

async function built(source: string): Promise<{ folder: string; names: string[] }> {
  const root = await mkdtemp(join(tmpdir(), "compression-"));
  onTestFinished(() => rm(root, { recursive: true }));
  await writeFile(join(root, "main.js"), source);
  await build({
    root,
    configFile: false,
    logLevel: "silent",
    plugins: [compression()],
    build: { rolldownOptions: { input: join(root, "main.js") }, modulePreload: { polyfill: false } },
  });
  const folder = join(root, "dist", "assets");
  return { folder, names: (await readdir(folder)).sort() };
}

test("a file has its compressed forms beside it, which hold the same", async () => {
  const { folder, names } = await built(`console.log(${JSON.stringify("again and ".repeat(200))});`);
  const [plain = ""] = names;
  expect(names).toEqual([plain, `${plain}.br`, `${plain}.gz`]);
  const content = await readFile(join(folder, plain));
  expect(brotliDecompressSync(await readFile(join(folder, `${plain}.br`)))).toEqual(content);
  expect(gunzipSync(await readFile(join(folder, `${plain}.gz`)))).toEqual(content);
});

test("what would grow is left alone", async () => {
  const { names } = await built("console.log(1);");
  expect(names.filter(name => name.endsWith(".gz"))).toEqual([]);
});
