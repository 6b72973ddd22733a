// Asks a token endpoint for a token by openid-client, and prints what came of it as JSON. Node 20 or later.
//
//   node door.mjs <call.json
//
// The call: {"endpoint": URL, "client": id, "secret": "...", "auth": "basic" or "post", "scope": "..." or absent}.
import { readFileSync } from 'node:fs';
import * as client from 'openid-client';

const call = JSON.parse(readFileSync(0, 'utf8'));
const auth = { basic: client.ClientSecretBasic, post: client.ClientSecretPost }[call.auth](call.secret);
const server = { issuer: new URL(call.endpoint).origin, token_endpoint: call.endpoint };
const config = new client.Configuration(server, call.client, undefined, auth);
client.allowInsecureRequests(config); // it is on this host
const result = {};
try {
  const answer = await client.clientCredentialsGrant(config, call.scope ? { scope: call.scope } : undefined);
  Object.assign(result, { token: answer.access_token, type: answer.token_type, scope: answer.scope, expiresIn: answer.expiresIn() });
} catch (err) {
  Object.assign(result, { failure: err.name, status: err.status, error: err.error });
  if (err.status === undefined) {
    result.message = `${err.message} (${err.code})`;
  }
}
console.log(JSON.stringify(result));
