// Jonas' walk: no scripts at all.
// Usage: node walk-jonas.mjs WORLD.json
import { readFileSync } from 'node:fs';
import { Visitor, dropday, expect, letter, link, open, promise, tell, verdict } from './walk.mjs';

const world = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const ADDRESS = 'jonas@example.test';
const browser = await open();
const jonas = await Visitor.enter(browser, world, { scripts: false });
const { page } = jonas;
const [artist] = world.jonas;

await promise('pages without scripts', 'he connects and confirms', async () => {
  await jonas.go('/');
  await jonas.follow('Connect with Spotify');
  await jonas.press(/Agree as Jonas/);
  await page.getByLabel('Email address').fill(ADDRESS);
  await jonas.press('Send confirmation link');
  await jonas.go(link(await letter(world, ADDRESS, /\/confirm\//), '/confirm/'));
  await jonas.press('Yes, send my emails there');
  await jonas.awaitText('/account', /Tracking \d+ artists?\. (All c|C)hecked/);
});

await promise('pages without scripts', 'he changes settings, and the page says when the next email is sent', async () => {
  await jonas.go('/preferences');
  await page.getByLabel('Once a day').check();
  await page.getByLabel('Hour', { exact: true }).selectOption('7:00');
  await page.getByLabel('Time zone').fill('Nowhere/Atlantis');
  await jonas.press('Save');
  expect(/time zone/i.test(await jonas.text()), 'a zone that is none was taken');
  expect((await page.getByLabel('Time zone').inputValue()) === 'Nowhere/Atlantis', 'what he typed is gone');
  expect(await page.getByLabel('Once a day').isChecked(), 'what he chose is gone');
  await page.getByLabel('Time zone').fill('Europe/Berlin');
  await jonas.press('Save');
  expect(/Saved.*07:00/.test(await jonas.text()), await jonas.text());
});

await promise('pages without scripts', 'he mutes and unmutes, and sees a release that waits for its email', async () => {
  await jonas.go(`/artists?q=${encodeURIComponent(artist.name)}`);
  await jonas.press(`Mute ${artist.name}`);
  await jonas.press(`Unmute ${artist.name}`);
  tell(world, 'put-out', { artist: artist.id, title: 'Waits for the morning', date: world.today });
  await dropday('once', '--all');
  const text = await jonas.awaitText('/releases', /Waits for the morning/);
  expect(/Waits for the morning.*(Will be emailed|Sending soon|Emailed)/.test(text), text);
});

await promise('pages without scripts', 'he creates and turns off a feed, signs out everywhere, comes back and deletes his account', async () => {
  await jonas.go('/feeds');
  await Promise.all([page.waitForEvent('load'), page.locator('form[action="/feeds/atom/make"] button').click()]);
  const address = await page.locator('#atom-address').inputValue();
  expect((await jonas.context.request.get(address)).status() === 200, 'the feed does not answer');
  await jonas.press(/Turn off/);
  expect((await jonas.context.request.get(address)).status() === 404, 'an ended feed still answers');
  await jonas.go('/account');
  await jonas.press('Sign out everywhere');
  await jonas.follow('Connect with Spotify');
  await jonas.press(/Agree as Jonas/);
  await jonas.go('/leave');
  await page.getByLabel('Yes, delete everything about me').check();
  await jonas.press('Delete everything now');
  await jonas.go('/account');
  expect(page.url() === `${world.dropday}/`, 'he is still here');
});

await promise('pages without scripts', 'nothing was fetched but our own pages and Spotify’s covers', () => jonas.leave());
await browser.close();
process.exit(verdict());
