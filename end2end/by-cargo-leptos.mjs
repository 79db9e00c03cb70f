// Run by `cargo leptos end-to-end`: tests the build it has just made. A release is named by hand:
// TELLTALE_BIN=$PWD/target/release/telltale cargo leptos end-to-end --release

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const debug = fileURLToPath(new URL("../target/debug/telltale", import.meta.url));
const { status } = spawnSync("npx", ["playwright", "test", ...process.argv.slice(2)], {
  stdio: "inherit",
  env: { ...process.env, TELLTALE_BIN: process.env.TELLTALE_BIN ?? debug },
});
process.exit(status ?? 1);
