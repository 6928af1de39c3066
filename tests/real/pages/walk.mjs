// What the walks through the pages share: a browser, its visitors, the inbox, and what is looked for on
// every page that is seen.
import { execFile, execFileSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import AxeBuilder from '@axe-core/playwright';
import { chromium } from 'playwright-core';

export const PATIENCE = 30_000;
const WIDTHS = [360, 1200];
const SCHEMES = ['light', 'dark'];

// Over this a page is too heavy, without its covers.
const HEAVIEST = 60_000;

export async function open() {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
  return browser;
}

// A person with a browser of their own. `faults` collects what no page should do.
export class Visitor {
  static async enter(browser, world, { scripts = true } = {}) {
    const context = await browser.newContext({
      javaScriptEnabled: scripts,
      viewport: { width: 1200, height: 800 },
      timezoneId: 'Asia/Tokyo',
      acceptDownloads: true,
      // A colour that is on its way from day to night is no fault.
      reducedMotion: 'reduce',
    });
    context.setDefaultTimeout(PATIENCE);
    const visitor = new Visitor(context, await context.newPage(), world, scripts);
    visitor.listen();
    return visitor;
  }

  constructor(context, page, world, scripts) {
    Object.assign(this, { context, page, world, scripts, faults: [] });
  }

  listen() {
    const ours = [this.world.dropday, this.world.spotify].map((url) => new URL(url).origin);
    this.page.on('request', (request) => {
      const url = request.url();
      const isOurs = url.startsWith('data:') || ours.includes(new URL(url).origin);
      if (!isOurs) this.faults.push(`${this.page.url()} fetches ${url}`);
    });
    this.page.on('pageerror', (error) => this.faults.push(`${this.page.url()}: ${error.message}`));
    this.page.on('console', (message) => {
      if (message.type() === 'error' && !/status of 4\d\d/.test(message.text())) {
        this.faults.push(`${this.page.url()} complains: ${message.text()}`);
      }
    });
  }

  async go(path) {
    const response = await this.page.goto(path.startsWith('http') ? path : `${this.world.dropday}${path}`);
    return response;
  }

  // Presses a button by its name, and waits for the page that it leads to.
  async press(name, scope = this.page) {
    const button = scope.getByRole('button', { name }).first();
    await Promise.all([this.page.waitForEvent('load'), button.click()]);
  }

  async follow(name, scope = this.page) {
    const link = scope.getByRole('link', { name }).first();
    await Promise.all([this.page.waitForEvent('load'), link.click()]);
  }

  async text() {
    return (await this.page.locator('main').innerText()).replace(/\s+/g, ' ');
  }

  // Loads the page again until its words fit: for what happens in the background.
  async awaitText(path, pattern) {
    const until = Date.now() + PATIENCE;
    for (;;) {
      await this.go(path);
      const text = await this.text();
      if (pattern.test(text)) return text;
      if (Date.now() > until) throw new Error(`${path} never said ${pattern}: ${text.slice(0, 600)}`);
      await new Promise((done) => setTimeout(done, 500));
    }
  }

  // Everything that is asked of every page, at both widths, by day and by night.
  async inspect(label) {
    if (!this.scripts) return;
    const faults = [];
    for (const colorScheme of SCHEMES) {
      await this.page.emulateMedia({ colorScheme });
      for (const width of WIDTHS) {
        await this.page.setViewportSize({ width, height: 800 });
        const where = `${label}, ${width} px, ${colorScheme}`;
        const wide = await this.page.evaluate(() => document.documentElement.scrollWidth);
        if (wide > width) faults.push(`${where}: it is ${wide} px wide`);
        faults.push(...(await violations(this.page)).map((fault) => `${where}: ${fault}`));
        if (this.world.pictures) {
          await mkdir(this.world.pictures, { recursive: true });
          const path = `${this.world.pictures}/${label}-${width}-${colorScheme}.png`;
          await this.page.screenshot({ path, fullPage: true });
        }
      }
    }
    await this.page.setViewportSize({ width: 1200, height: 800 });
    const bytes = (await this.page.content()).length;
    if (bytes > HEAVIEST) faults.push(`${label}: ${bytes} bytes`);
    const untimed = await this.page.evaluate(datesOutsideTime);
    if (untimed.length) faults.push(`${label}: dates outside <time>: ${untimed}`);
    if (faults.length) throw new Error(faults.join('\n'));
  }

  async leave() {
    await this.context.close();
    if (this.faults.length) throw new Error(this.faults.join('\n'));
  }
}

async function violations(page) {
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
  const { violations } = await new AxeBuilder({ page }).withTags(tags).analyze();
  return violations.map(({ id, help, nodes }) => `${id} (${help}): ${nodes[0].html.slice(0, 160)}`);
}

// Runs in the page.
function datesOutsideTime() {
  const months = 'January|February|March|April|May|June|July|August|September|October|November|December';
  const date = new RegExp(`\\b\\d{1,2} (${months}) \\d{4}\\b`);
  const found = [];
  const walker = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const { data, parentElement } = walker.currentNode;
    if (date.test(data) && !parentElement.closest('time')) found.push(data.trim().slice(0, 80));
  }
  return found;
}

// The letters that arrived, as the inbox of pages.py writes them down: { to, subject, text }.
export async function letters(world, to) {
  const names = (await readdir(world.inbox)).filter((name) => name.endsWith('.json')).sort();
  const all = await Promise.all(names.map(async (name) => JSON.parse(await readFile(`${world.inbox}/${name}`, 'utf8'))));
  return all.filter((letter) => letter.to.includes(to));
}

export async function letter(world, to, pattern) {
  const until = Date.now() + PATIENCE;
  for (;;) {
    const found = (await letters(world, to)).filter(({ subject, text }) => pattern.test(`${subject}\n${text}`)).pop();
    if (found) return found;
    if (Date.now() > until) {
      const had = (await letters(world, to)).map(({ subject }) => subject).join('; ');
      throw new Error(`no letter to ${to} says ${pattern}; there are: ${had || 'none'}`);
    }
    await new Promise((done) => setTimeout(done, 300));
  }
}

// The first address in a letter that holds `part`.
export function link({ text }, part) {
  const found = text.split(/\s+/).find((word) => word.includes(part));
  if (!found) throw new Error(`no ${part} in ${text}`);
  return found;
}

// A verb of the program, beside the one that serves: what it printed.
export async function dropday(...verb) {
  const { stdout } = await promisify(execFile)(process.env.PROGRAM, verb, { timeout: 90_000 });
  return stdout;
}

// A handle of the fake world (examples/fake_world.rs).
export function tell(world, what, query = {}) {
  const url = `${world.spotify}/_world/${what}?${new URLSearchParams(query)}`;
  return execFileSync('curl', ['--silent', '--show-error', '--fail', '--request', 'POST', url], { encoding: 'utf8' });
}

export function expect(holds, otherwise) {
  if (!holds) throw new Error(otherwise);
}

// A line for each promise, as harness.py writes them. After one that is broken the rest is not reached.
let broken = false;
export async function promise(title, text, attempt) {
  if (broken) return report('FAIL', title, `${text} (not reached)`);
  try {
    await attempt();
    report('PASS', title, text);
  } catch (error) {
    broken = true;
    report('FAIL', title, text);
    console.log(`    ${String(error.stack ?? error).split('\n').slice(0, 30).join('\n    ')}`);
  }
}

export function verdict() {
  return broken ? 1 : 0;
}

function report(outcome, title, text) {
  const line = `${outcome} ${title}: ${text}`;
  console.log(line);
  if (process.env.RESULTS_FILE) appendFileSync(process.env.RESULTS_FILE, `${line}\n`);
}
