// Opens every letter of a folder in headless Chromium at three widths, by day and by night, and says
// what is wrong with it. Usage: node pictures.mjs LETTERS PICTURES
//
// Prints a JSON list of { letter, width, scheme, fault }. Covers are drawn here: nothing is fetched.
import { readdir, readFile, mkdir } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { chromium } from 'playwright-core';

const [letters, pictures] = process.argv.slice(2);
const WIDTHS = [320, 640, 1000];
const SCHEMES = ['light', 'dark'];
const PALETTES = [
  ['#14213d', '#fca311', '#e5e5e5'], ['#f4f1de', '#e07a5f', '#3d405b'], ['#0b3954', '#bfd7ea', '#ff6663'],
  ['#2b2d42', '#8d99ae', '#ef233c'], ['#fff8e7', '#264653', '#e9c46a'], ['#d8f3dc', '#1b4332', '#52b788'],
];

const VIEWS = [
  ...SCHEMES.map((scheme) => ({ scheme, widths: WIDTHS, label: scheme })),
  { scheme: 'light', widths: [320], label: 'bare', bare: true },
];

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
});
await mkdir(pictures, { recursive: true });
const files = (await readdir(letters)).filter((name) => name.endsWith('.html')).sort();
const faults = [];
for (const view of VIEWS) await look(view);
await browser.close();
console.log(JSON.stringify(faults));

// Every letter in one window: a scheme, some widths, with covers or without.
async function look({ scheme, widths, label, bare }) {
  const page = await browser.newPage({ colorScheme: scheme });
  let note;
  await page.route('**/*', (route) => answer(route, (fault) => note(fault), bare));
  for (const file of files) {
    const letter = file.replace(/\.html$/, '');
    const html = await readFile(`${letters}/${file}`, 'utf8');
    for (const width of widths) {
      note = (fault) => faults.push({ letter, width, scheme: label, fault });
      await page.setViewportSize({ width, height: 400 });
      await page.setContent(html, { waitUntil: 'load' });
      judge(await page.evaluate(measure), width, note, bare);
      await page.screenshot({ path: `${pictures}/${letter}-${width}-${label}.png`, fullPage: true });
    }
  }
}

function judge(seen, width, note, bare) {
  if (seen.scroll > width) note(`it is ${seen.scroll} px wide: ${seen.widest}`);
  if (!bare && seen.broken > 0) note(`${seen.broken} pictures do not show`);
  if (seen.edge > width - 20) note(`something comes within ${width - seen.edge} px of the edge: ${seen.nearest}`);
  for (const small of seen.small) note(`text smaller than 13 px: ${small}`);
}

function answer(route, note, bare) {
  const url = route.request().url();
  if (!url.startsWith('https://i.scdn.co/image/')) {
    note(`it fetches ${url}`);
    return route.abort();
  }
  if (bare) return route.abort();
  return route.fulfill({ contentType: 'image/svg+xml', body: cover(url) });
}

// A few shapes in the colours of a palette, always the same for one address.
function cover(url) {
  const seed = createHash('sha256').update(url).digest();
  const [ground, one, two] = PALETTES[seed[0] % PALETTES.length];
  const shapes = [...Array(5).keys()].map((n) => {
    const [x, y, size] = [seed[3 * n + 1], seed[3 * n + 2], seed[3 * n + 3]].map((byte) => (byte * 300) / 255);
    const fill = n % 2 ? one : two;
    return seed[1] % 2
      ? `<circle cx="${x}" cy="${y}" r="${20 + size / 4}" fill="${fill}"/>`
      : `<path d="M${n * 70 - 40} 300 L${n * 70 + x / 2} 0 l40 0 L${n * 70} 300z" fill="${fill}"/>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="300" height="300"><rect width="300" height="300" fill="${ground}"/>${shapes.join('')}</svg>`;
}

// Runs in the page.
function measure() {
  const all = [...document.querySelectorAll('body *')];
  const shown = all.filter((element) => element.getClientRects().length > 0);
  const right = (element) => element.getBoundingClientRect().right;
  const furthest = (some) => some.reduce((a, b) => (right(b) > right(a) ? b : a));
  const widest = furthest(shown);
  const nearest = furthest(shown.filter((element) => element.childElementCount === 0));
  const hasText = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  const small = shown.filter((element) => hasText(element) && parseFloat(getComputedStyle(element).fontSize) < 13);
  return {
    scroll: document.documentElement.scrollWidth,
    widest: widest.outerHTML.slice(0, 120),
    edge: Math.round(right(nearest)),
    nearest: nearest.outerHTML.slice(0, 120),
    broken: [...document.images].filter((image) => image.naturalWidth === 0).length,
    small: small.map((element) => element.textContent.trim().slice(0, 60)),
  };
}
