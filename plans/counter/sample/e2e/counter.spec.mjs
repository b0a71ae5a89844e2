import { expect, test } from "@playwright/test";

const count = (page) => page.locator("#count");

test.beforeEach(async ({ page }) => {
  await page.goto("/");
});

test("it counts", async ({ page }) => {
  await page.getByText("More").click();
  await page.getByText("More").click();
  await expect(count(page)).toHaveText("2");
});

test("it remembers after a reload", async ({ page }) => {
  await page.getByText("More").click();
  await page.reload();
  await expect(count(page)).toHaveText("1");
});

test("another tab knows it, too", async ({ page, context }) => {
  await page.getByText("More").click();
  const other = await context.newPage();
  await other.goto("/");
  await expect(count(other)).toHaveText("1");
});

test("a reset is for good", async ({ page }) => {
  await page.getByText("More").click();
  await page.getByText("Reset").click();
  await page.reload();
  await expect(count(page)).toHaveText("0");
});
