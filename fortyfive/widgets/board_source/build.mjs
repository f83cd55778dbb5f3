// Bundles the drawing board into one script and one style sheet: node build.mjs FOLDER. `make board` runs it after `npm ci`.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const [folder] = process.argv.slice(2);
const shared = {
  bundle: true,
  minify: true,
  write: false,
  charset: "utf8",
  legalComments: "none", // they stand in the licences, whole
  target: "es2022",
};

const script = await build({
  ...shared,
  entryPoints: ["board.jsx"],
  format: "esm",
  jsx: "automatic",
  define: { "process.env.NODE_ENV": '"production"' },
  metafile: true,
});
const style = await build({ ...shared, entryPoints: ["board.css"] });

const packages = new Set(["@xyflow/react"]); // whose style sheet is bundled as well
for (const path of Object.keys(script.metafile.inputs)) {
  const found = path.match(/node_modules\/((?:@[^/]+\/)?[^/]+)\//);
  if (found) packages.add(found[1]);
}
const licences = [...packages].sort().map((name) => {
  const place = join("node_modules", name);
  const { version, license } = JSON.parse(readFileSync(join(place, "package.json"), "utf8"));
  const file = readdirSync(place).find((each) => /^licen[cs]e/i.test(each));
  if (!file) throw new Error(`${name} comes without a licence text`);
  return `${name} ${version} (${license})\n\n${readFileSync(join(place, file), "utf8").replace(/\r\n/g, "\n").trim()}\n`;
});

writeFileSync(join(folder, "board.js"), script.outputFiles[0].contents);
writeFileSync(join(folder, "board.css"), style.outputFiles[0].contents);
writeFileSync(join(folder, "board_licences.txt"), licences.join(`\n${"-".repeat(80)}\n\n`));
