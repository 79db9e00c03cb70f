import { defineConfig } from "@playwright/test";
import { launchOptions } from "./fixtures/chromium.mjs";

const desktop = { viewport: { width: 1440, height: 900 } };
const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };

// Tags: @once runs on the desktop only, @mouse not on the phone, @touch only there; @nojs runs with and without
// JavaScript, @nojs-only without.
export default defineConfig({
  testDir: "tests",
  outputDir: "test-results",
  globalSetup: "./recordings/write.mjs",
  forbidOnly: process.env.CI !== undefined,
  fullyParallel: true,
  retries: 0,
  workers: 2,
  // Machines are busy: what is waited for comes at once or, without a defect, as late as this.
  timeout: 90_000,
  expect: { timeout: 15_000 },
  reporter: "list",
  use: {
    launchOptions,
    locale: "en-GB",
    // The server runs in UTC as well, so that nothing differs but where a test wants it.
    timezoneId: "UTC",
    screenshot: "only-on-failure",
  },
  projects: [
    { name: "desktop", use: desktop, grepInvert: /@nojs-only|@touch/ },
    { name: "phone", use: phone, grepInvert: /@nojs-only|@mouse|@once/ },
    { name: "desktop without JavaScript", use: { ...desktop, javaScriptEnabled: false }, grep: /@nojs/ },
    {
      name: "phone without JavaScript",
      use: { ...phone, javaScriptEnabled: false },
      grep: /@nojs/,
      grepInvert: /@once|@mouse/,
    },
  ],
});
