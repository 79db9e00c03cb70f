// Pictures for people to look at: `npm run shots`, or `SHOTS=/elsewhere npm run shots`.

import { defineConfig } from "@playwright/test";
import { launchOptions } from "./fixtures/chromium.mjs";

export default defineConfig({
  testDir: "shots-of",
  outputDir: process.env.SHOTS ?? "shots",
  preserveOutput: "never",
  globalSetup: "./recordings/write.mjs",
  workers: 1,
  timeout: 60_000,
  reporter: "list",
  use: { launchOptions, locale: "en-GB", timezoneId: "UTC" },
});
