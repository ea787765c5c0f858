// Somebody else's OAuth provider, with Ory Hydra's paths: node oauth_provider.mjs PACKAGE PORT WORKSPACE
const [folder, port, workspaceId] = process.argv.slice(2);
const { Provider } = await import(`${folder}/lib/index.js`);

const INTROSPECTION = '/admin/oauth2/introspect';
const INTROSPECTOR = { client_id: 'introspector', client_secret: 'of-this-test' };

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: 'agentserver-agent-cli',
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
      response_types: [],
      redirect_uris: [],
    },
    { ...INTROSPECTOR, grant_types: [], response_types: [], redirect_uris: [] },
  ],
  scopes: ['openid', 'profile', 'agent:register'],
  claims: { profile: ['name'] },
  routes: {
    device_authorization: '/oauth2/device/auth',
    token: '/oauth2/token',
    revocation: '/oauth2/revoke',
    introspection: INTROSPECTION,
  },
  features: {
    deviceFlow: { enabled: true },
    devInteractions: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    revocation: { enabled: true },
  },
  extraTokenClaims: () => ({ ext: { workspace_id: workspaceId } }),
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  issueRefreshToken: () => true,
});
// Hydra's admin API takes no credential, as nobody but the server reaches it.
provider.use((ctx, next) => {
  if (ctx.path === INTROSPECTION) {
    const pair = `${INTROSPECTOR.client_id}:${INTROSPECTOR.client_secret}`;
    ctx.req.headers.authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
  }
  return next();
});
provider.listen(Number(port), '127.0.0.1', () => console.log('listening'));
