import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import type { Plugin } from "vite";

// What Vite puts elsewhere, such as its manifest, is for the host to read.
const TEXT = /^assets\/.*\.(?:js|css|svg|json)$/;
const encodings = {
  gz: (content: Buffer) => promisify(gzip)(content, { level: constants.Z_BEST_COMPRESSION }),
  br: (content: Buffer) =>
    promisify(brotliCompress)(content, {
      params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY },
    }),
};

/** Writes `.gz` and `.br` beside each file of text that they make smaller, so that no server compresses on demand. */
export function compression(): Plugin {
  return {
    name: "seamark:compression",
    apply: "build",
    async writeBundle({ dir = "dist" }, bundle) {
      const files = Object.values(bundle).filter(({ fileName }) => TEXT.test(fileName));
      await Promise.all(
        files.flatMap(file => {
          const content = Buffer.from(file.type === "chunk" ? file.code : file.source);
          return Object.entries(encodings).map(async ([suffix, compress]) => {
            const compressed = await compress(content);
            if (compressed.length < content.length) {
              await writeFile(join(dir, `${file.fileName}.${suffix}`), compressed);
            }
          });
        }),
      );
    },
  };
}
