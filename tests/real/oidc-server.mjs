// A strict OAuth server (npm oidc-provider) in the place of accounts.spotify.com,
// and beside it the few Web API answers that a sign-in and a pass need.
//
// Usage: node oidc-server.mjs CONFIG.json
//   { providerModule, port, clientId, clientSecret|null, redirectUri,
//     accessTokenSeconds, eventsFile }
// Each event of interest is one line of JSON in eventsFile.
// POST /_control/revoke withdraws every consent, as spotify.com/account/apps does.

import { appendFileSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const config = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const { default: Provider } = await import(config.providerModule);
const origin = `http://127.0.0.1:${config.port}`;

const provider = new Provider(origin, {
  clients: [{
    client_id: config.clientId,
    ...(config.clientSecret
      ? { client_secret: config.clientSecret, token_endpoint_auth_method: 'client_secret_basic' }
      : { token_endpoint_auth_method: 'none' }),
    redirect_uris: [config.redirectUri],
    response_types: ['code'],
    grant_types: ['authorization_code', 'refresh_token'],
  }],
  scopes: ['user-follow-read', 'user-read-email'],
  routes: { authorization: '/authorize', token: '/api/token' },
  pkce: { required: () => true },
  rotateRefreshToken: () => true,
  issueRefreshToken: async () => true,
  expiresWithSession: async () => false,
  ttl: { AccessToken: config.accessTokenSeconds, RefreshToken: 86400, Session: 3600, Grant: 86400, Interaction: 600 },
  cookies: { keys: ['only for this test'] },
});

const grantIds = new Set();

function record(event, details) {
  appendFileSync(config.eventsFile, `${JSON.stringify({ event, ...details })}\n`);
}

provider.on('grant.saved', (grant) => grantIds.add(grant.jti));
provider.on('refresh_token.saved', () => record('refresh_token.saved'));
provider.on('refresh_token.consumed', () => record('refresh_token.consumed'));
provider.on('grant.revoked', () => record('grant.revoked'));
provider.on('grant.success', (ctx) => record('grant.success', {
  grantType: ctx.oidc.params.grant_type,
  clientAuth: ctx.oidc.client.clientAuthMethod,
}));
provider.on('grant.error', (ctx, error) => record('grant.error', {
  grantType: ctx.oidc.params?.grant_type,
  error: error.error,
  detail: error.error_detail,
}));
provider.on('authorization.error', (ctx, error) => record('authorization.error', {
  error: error.error,
  detail: error.error_description,
}));

async function revokeEverything() {
  for (const id of grantIds) {
    await provider.RefreshToken.revokeByGrantId(id);
    await provider.AccessToken.revokeByGrantId(id);
    await (await provider.Grant.find(id))?.destroy();
  }
  grantIds.clear();
}

function thing(type, id, name) {
  return {
    type, id, name,
    uri: `spotify:${type}:${id}`,
    href: `${origin}/v1/${type}s/${id}`,
    external_urls: { spotify: `https://open.spotify.com/${type}/${id}` },
  };
}

const artist = { ...thing('artist', '0aArtistOfTheOidcTest1', 'The Rotating Tokens'), images: [] };
const album = {
  ...thing('album', '0bAlbumOfTheOidcTest01', 'Consumed'),
  album_type: 'album',
  artists: [artist],
  images: [],
  release_date: '2020-05-01',
  release_date_precision: 'day',
  total_tracks: 9,
};

const answers = {
  '/v1/me': (accountId) => ({ ...thing('user', accountId), display_name: 'Tester', account_id: `account-${accountId}`, images: [] }),
  '/v1/me/following': () => ({
    artists: { href: `${origin}/v1/me/following`, items: [artist], limit: 50, next: null, total: 1, cursors: { after: null } },
  }),
  [`/v1/artists/${artist.id}/albums`]: () => ({
    href: `${artist.href}/albums`, items: [album], limit: 10, offset: 0, next: null, previous: null, total: 1,
  }),
};

async function answerApi(request, path) {
  const token = await provider.AccessToken.find((request.headers.authorization ?? '').replace(/^Bearer /, ''));
  record('api', { path, status: token ? 200 : 401 });
  if (!token) return [401, { error: { status: 401, message: 'The access token expired' } }];
  const answer = answers[path];
  return answer ? [200, answer(token.accountId)] : [404, { error: { status: 404, message: 'Not found.' } }];
}

const oauth = provider.callback();

async function handle(request, response) {
  const { pathname } = new URL(request.url, origin);
  if (pathname === '/_control/revoke') {
    await revokeEverything();
    response.end('revoked\n');
  } else if (pathname.startsWith('/v1/')) {
    const [status, body] = await answerApi(request, pathname);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  } else {
    await oauth(request, response);
  }
}

createServer(handle).listen(config.port, '127.0.0.1');
