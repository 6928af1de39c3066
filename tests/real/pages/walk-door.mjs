// What strangers see where sign-up is not open to everyone. Usage: node walk-door.mjs WORLD.json STATE
import { readFileSync } from 'node:fs';
import { Visitor, dropday, expect, open, promise, tell, verdict } from './walk.mjs';

const world = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const browser = await open();
const stranger = await Visitor.enter(browser, world);
const { page } = stranger;

const states = {
  async invitation() {
    await promise('the door', 'by invitation: without one, the page says so, and nothing is stored', async () => {
      await stranger.go('/');
      await stranger.inspect('front-invitation');
      await stranger.follow('Sign in with Spotify');
      await stranger.press(/Agree as Martha/);
      await stranger.inspect('not-invited');
      await stranger.go('/account');
      expect(page.url() === `${world.dropday}/`, 'a stranger was let in');
    });
    await promise('the door', 'an invitation works once', async () => {
      const printed = await dropday('invite', '--for', 'Jonas');
      const [invitation] = printed.match(/http\S+\/invitation\/\S+/) ?? [];
      expect(invitation, printed);
      await stranger.go(invitation);
      await stranger.inspect('invitation');
      await stranger.follow('Connect with Spotify');
      await stranger.press(/Agree as Jonas/);
      expect(page.url() === `${world.dropday}/account`, `he is at ${page.url()}`);
      const second = await Visitor.enter(browser, world);
      await second.go(invitation);
      expect(!(await second.page.getByRole('link', { name: 'Connect with Spotify' }).count()), 'the link is good twice');
      await second.inspect('invitation-used');
      await second.leave();
    });
  },
  async closed() {
    await promise('the door', 'closed: the page says so, and nobody can sign up', async () => {
      await stranger.go('/');
      await stranger.inspect('front-closed');
      await stranger.follow('Sign in with Spotify');
      await stranger.press(/Agree as Martha/);
      await stranger.inspect('closed');
    });
  },
  async unlisted() {
    await promise('the door', 'someone who is not on the app’s list can ask to be added', async () => {
      tell(world, 'allow', { user: 0, listed: false });
      await stranger.go('/');
      await stranger.follow('Connect with Spotify');
      await stranger.press(/Agree as Martha/);
      await stranger.inspect('unlisted');
      await page.getByLabel('Your name').fill('Martha');
      await page.getByLabel('Email address of your Spotify account').fill('martha@example.test');
      await stranger.press('Ask to be added');
      await stranger.inspect('asked');
      tell(world, 'allow', { user: 0, listed: true });
      expect((await dropday('status')).includes('martha@example.test'), 'the operator does not see who asked');
    });
  },
};

await states[process.argv[3]]();
await promise('the door', 'nothing was fetched but our own pages', () => stranger.leave());
await browser.close();
process.exit(verdict());
