import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: "e2e",
  workers: 1,
  expect: { timeout: 2_000 },
  use: {
    baseURL: process.env.BASE_URL ?? "http://127.0.0.1:8000",
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/lib/chromium/chromium",
      // The program itself: Debian's script around it reads /etc/chromium.d, which a sandbox does not have.
      // Clerk's sandbox is around it; chromium's own needs what is forbidden there.
      args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
    },
  },
});
