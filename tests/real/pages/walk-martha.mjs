// Martha's walk through the pages with scripts on, from the front page to deleting her account. Every page and state
// is inspected (axe, widths, light and dark). Usage: node walk-martha.mjs WORLD.json
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Visitor, dropday, expect, letter, link, open, promise, tell, verdict } from './walk.mjs';

const world = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const ADDRESS = 'martha@example.test';
const browser = await open();
const martha = await Visitor.enter(browser, world);
const { page } = martha;

await promise('pages', 'a stranger reads what Dropday does and what it stores, and connects', async () => {
  await martha.go('/');
  await martha.inspect('front');
  await martha.follow(/^privacy$/i);
  await martha.inspect('privacy');
  await martha.go('/');
  await martha.follow('Connect with Spotify');
  await martha.press(/Agree as Martha/);
  expect(page.url() === `${world.dropday}/account`, `she is at ${page.url()}`);
  await martha.inspect('account-without-address');
});

await promise('pages', 'she enters an address and confirms it with the button behind the emailed link', async () => {
  await page.getByLabel('Email address').fill(ADDRESS);
  await martha.press('Send confirmation link');
  expect(/We sent a link to/.test(await martha.text()), 'the page does not say that a link was sent');
  await martha.inspect('account-not-confirmed');
  await martha.go(link(await letter(world, ADDRESS, /\/confirm\//), '/confirm/'));
  await martha.inspect('confirm');
  await martha.press('Yes, send my emails there');
  await martha.inspect('confirmed');
  await letter(world, ADDRESS, /welcome/i);
});

await promise('pages', 'the home page sums up in one line once all artists were checked', async () => {
  await martha.awaitText('/account', /Tracking \d+ artists\. All checked within .* Spotify access lasts until \d+ \w+ \d{4}/);
  await martha.inspect('account');
});

await promise('pages', 'the date of the next email follows the form, and the browser’s time zone is suggested', async () => {
  await martha.go('/preferences');
  await martha.inspect('preferences');
  await page.getByRole('button', { name: 'Use it' }).click();
  expect((await page.getByLabel('Time zone').inputValue()) === 'Asia/Tokyo', 'her zone was not taken');
  await page.getByLabel('Once a week').check();
  await page.getByLabel('Day', { exact: true }).selectOption('Sunday');
  await page.getByLabel('Hour', { exact: true }).selectOption('19:00');
  await page.locator('#next', { hasText: /Sunday.*19:00/ }).waitFor();
  await martha.press('Save');
  const saved = await page.getByRole('status').innerText();
  expect(/Saved.*Sunday.*19:00/.test(saved), saved);
  await martha.inspect('preferences-saved');
  await page.getByLabel('Right away').check();
  await page.getByLabel('Singles and EPs').check();
  await martha.press('Save');
});

const [heard, muted] = world.artists;
await promise('pages', 'she finds an artist, mutes it, and refreshes the list once', async () => {
  await martha.go('/artists');
  await martha.inspect('artists');
  await page.getByLabel('Name', { exact: true }).fill(muted.name);
  await martha.press('Show');
  expect((await page.getByRole('rowheader').count()) === 1, 'more than one artist is found');
  await martha.press(`Mute ${muted.name}`);
  await martha.inspect('artists-muted');
  await martha.go('/artists?sort=checked');
  await martha.press('Refresh from Spotify');
  expect(/Refresh requested on/.test(await martha.text()), 'the page does not confirm the refresh');
  await martha.go('/artists?q=nobody+at+all');
  await martha.inspect('artists-none');
});

await promise('pages', 'a new album is emailed, and the page says what was emailed and what was not, and why', async () => {
  tell(world, 'put-out', { artist: heard.id, title: 'Seen in a browser', date: world.today });
  tell(world, 'put-out', { artist: muted.id, title: 'Not for Martha', date: world.today });
  await dropday('once', '--all');
  await letter(world, ADDRESS, /Seen in a browser/);
  await martha.awaitText('/releases', /Seen in a browser.*Emailed/);
  const text = await martha.text();
  expect(/Not for Martha.*Not emailed:/.test(text), text);
  const covers = await page.locator('main img').evaluateAll((images) => images.map((image) => image.decode().then(() => image.naturalWidth)).length);
  expect(covers >= 1, 'no cover is shown');
  await martha.inspect('new');
  await martha.follow(/^Singles/);
  await martha.inspect('new-singles');
});

await promise('pages', 'an emailed link mutes an artist without a sign-in, and does nothing else', async () => {
  const news = await letter(world, ADDRESS, /Seen in a browser/);
  const other = await Visitor.enter(browser, world);
  await other.go(link(news, '/unsubscribe/'));
  await other.inspect('unsubscribe');
  await other.go(link(news, '/mute/'));
  await other.inspect('mute');
  await other.press(/^Mute/);
  await other.inspect('muted');
  await other.go('/account');
  expect(other.page.url() === `${world.dropday}/`, `the link signed someone in: ${other.page.url()}`);
  await other.leave();
  await martha.go(`/artists?q=${encodeURIComponent(heard.name)}`);
  await martha.press(`Unmute ${heard.name}`);
});

await promise('pages', 'she creates a feed and a calendar link, and real programs read them', async () => {
  await martha.go('/feeds');
  await martha.inspect('feeds');
  const addresses = {};
  for (const kind of ['atom', 'calendar']) {
    await Promise.all([page.waitForEvent('load'), page.locator(`form[action="/feeds/${kind}/make"] button`).click()]);
    addresses[kind] = await page.locator(`#${kind}-address`).inputValue();
    expect(addresses[kind].startsWith(world.dropday), addresses[kind]);
  }
  await martha.inspect('feeds-made');
  execFileSync(world.python, [`${import.meta.dirname}/feeds.py`, addresses.atom, addresses.calendar], { stdio: 'inherit' });
});

await promise('pages', 'a sample arrives on request', async () => {
  await martha.go('/account');
  await martha.press('Send me a sample');
  await letter(world, ADDRESS, /sample/i);
  await martha.awaitText('/account', /sample.*Sent/i);
  await martha.inspect('account-with-letters');
});

await promise('pages', 'the admin page shows the state of the instance', async () => {
  await martha.follow('Admin');
  await martha.inspect('operator');
  expect(/Calls to Spotify.*Artists’ albums, last 24 hours \d+/.test(await martha.text()), await martha.text());
});

await promise('pages', 'when her access ends the page says so, and two clicks renew it', async () => {
  tell(world, 'revoke', { user: 0 });
  tell(world, 'expire-access-tokens');
  await dropday('once', '--all');
  await martha.go('/account');
  await martha.inspect('account-withdrawn');
  await martha.follow('Sign in again');
  await martha.press(/Agree as Martha/);
  expect(page.url() === `${world.dropday}/account`, `she is at ${page.url()}`);
  expect(!/You removed Dropday/.test(await martha.text()), 'it still says that access was removed');
});

await promise('pages', 'the keyboard alone reaches every page and signs her out', async () => {
  await martha.go('/account');
  for (const name of ['New releases', 'Artists', 'Settings', 'Feeds', 'Home']) {
    await tabTo((focused) => focused.text === name);
    await Promise.all([page.waitForEvent('load'), page.keyboard.press('Enter')]);
    expect((await page.locator('nav [aria-current="page"]').innerText()) === name, `${name} was not reached`);
  }
  await tabTo((focused) => focused.text === 'Sign out of this browser');
  await Promise.all([page.waitForEvent('load'), page.keyboard.press('Enter')]);
  await martha.go('/account');
  expect(page.url() === `${world.dropday}/`, 'she is still signed in');
});

await promise('pages', 'every error has a page that says what to do', async () => {
  for (const [path, label] of [['/no-such-page', 'not-found'], ['/confirm/nonsense', 'confirm-void'], ['/callback', 'callback']]) {
    await martha.go(path);
    await martha.inspect(label);
  }
});

await promise('pages', 'she exports her data and deletes her account', async () => {
  await martha.go('/');
  await martha.follow('Connect with Spotify');
  await martha.press(/Agree as Martha/);
  await martha.go('/leave');
  await martha.inspect('leave');
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download' }).click()]);
  const everything = readFileSync(await download.path(), 'utf8');
  expect(everything.includes(ADDRESS) && JSON.parse(everything), 'the download is not what it should be');
  await page.getByLabel('Yes, delete everything about me').check();
  await martha.press('Delete everything now');
  await martha.inspect('gone');
  await martha.go('/account');
  expect(page.url() === `${world.dropday}/`, 'she is still here');
  await letter(world, ADDRESS, /good-?bye|deleted/i);
});

await promise('pages', 'nothing was loaded except our pages and Spotify’s covers, and no script failed', () => martha.leave());
await browser.close();
process.exit(verdict());

// Presses Tab until what has the focus fits.
async function tabTo(fits) {
  for (let presses = 0; presses < 80; presses += 1) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate(() => ({ text: document.activeElement.innerText ?? '' }));
    if (fits(focused)) return;
  }
  throw new Error(`the keyboard does not get there on ${page.url()}`);
}
