// Finds an issuer, asks it for a token and calls an API with it, all by openid-client, and prints what
// came of it as JSON. Node 20 or later.
//
//   node call.mjs <call.json
//
// The call: {"server": URL, "algorithm": "oauth2" or "oidc", "client": id, "secret": "...",
// "auth": "basic" or "post", "parameters": [[name, value], ...], "api": URL or absent,
// "token": one to call the API with in place of asking}.
import { readFileSync } from 'node:fs';
import * as client from 'openid-client';

const call = JSON.parse(readFileSync(0, 'utf8'));
const auth = { basic: client.ClientSecretBasic, post: client.ClientSecretPost }[call.auth](call.secret);
const result = {};
try {
  const config = await client.discovery(new URL(call.server), call.client, undefined, auth, {
    algorithm: call.algorithm,
    execute: [client.allowInsecureRequests], // it is on this host
  });
  result.endpoint = config.serverMetadata().token_endpoint;
  let token = call.token;
  if (!token) {
    const answer = await client.clientCredentialsGrant(config, new URLSearchParams(call.parameters));
    token = answer.access_token;
    Object.assign(result, { token, type: answer.token_type, scope: answer.scope, expiresIn: answer.expiresIn() });
  }
  if (call.api) {
    const response = await client.fetchProtectedResource(config, token, new URL(call.api), 'POST', 'hello');
    Object.assign(result, { status: response.status, api: await response.json() });
  }
} catch (err) {
  Object.assign(result, { failure: err.name, status: err.status, error: err.error });
  if (err instanceof client.WWWAuthenticateChallengeError) {
    result.challenge = { scheme: err.cause[0].scheme, ...err.cause[0].parameters };
  }
  if (err.status === undefined) {
    result.message = `${err.message} (${err.code})`;
  }
}
console.log(JSON.stringify(result));
