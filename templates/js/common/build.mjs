// node build.mjs OUT: makes the component. `mfp build` calls this.

import { writeFile } from "node:fs/promises";
import { componentize } from "@bytecodealliance/componentize-js";

process.chdir(import.meta.dirname);
const wit = {$ (sdk or "sdk/wit")|quoted $};
const { component } = await componentize({
  sourcePath: "src/component.js",
  witPath: wit,
  worldName: "{$ kind $}-plugin",
  // What the plugin doesn't use isn't built in: with these, the component would ask for more of WASI.
  disableFeatures: ["stdio", "random", "clocks", "http", "fetch-event"],
});
await writeFile(process.argv[2], component);
// What was read beside node_modules, a file or a folder a line: while nothing of it changes, `mfp test` needn't build again.
await writeFile(`${process.argv[2]}.reads`, ["src", wit].join("\n"));
