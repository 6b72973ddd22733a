// A program that has its tokens from the door, with Node 20 and no package.
//
//   DOOR_URL=http://127.0.0.1:8081 DOOR_SECRET_FILE=secrets/node node door.mjs crm erp
//
// It gets a token of each credential, and calls an API of Feishu's twice (API_URL, or else https://open.feishu.cn)
// with that of the first.
import { readFileSync } from 'node:fs';

// Door keeps each token for as long as the door says, and asks again then.
class Door {
  #url;
  #secret;
  #kept = new Map();

  constructor(url, secret) {
    this.#url = url;
    this.#secret = secret;
  }

  // token is from memory, unless it is time to ask. If the door has none a kept one serves to its end.
  async token(name) {
    const now = performance.now();
    const kept = this.#kept.get(name);
    if (kept && now < kept.againAt) return kept.token;
    let answer;
    try {
      answer = await call('GET', `${this.#url}/v1/tokens/${name}`, this.#secret);
    } catch (err) {
      if (kept && now < kept.endsAt) return kept.token;
      throw err;
    }
    const { access_token: token, refresh_in: again, expires_in: ends } = answer;
    this.#kept.set(name, { token, againAt: now + again * 1000, endsAt: now + ends * 1000 });
    console.log(`${name}: a token for ${ends} s, kept for ${again} s`);
    return token;
  }

  // reject tells the door that an API has rejected the token. The next token() asks the door.
  async reject(name) {
    const { token } = this.#kept.get(name);
    this.#kept.delete(name);
    return (await call('POST', `${this.#url}/v1/tokens/${name}/reject`, this.#secret, { access_token: token })).outcome;
  }
}

// call returns a server's answer in JSON. It throws a refusal, with the answer.
async function call(method, url, bearer, body) {
  const response = await fetch(url, {
    method,
    headers: { Authorization: `Bearer ${bearer}`, 'Content-Type': 'application/json' },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  });
  const answer = await response.json();
  if (!response.ok) throw Object.assign(new Error(`${url}: HTTP ${response.status}`), { answer });
  return answer;
}

// tenant returns the tenant's name. If the API rejects the token, the door is told, and the call made once more.
async function tenant(door, name, api) {
  for (let again = true; ; again = false) {
    try {
      return (await call('GET', `${api}/open-apis/tenant/v2/tenant/query`, await door.token(name))).data.tenant.name;
    } catch (err) {
      if (!again || err.answer?.code !== 99991663) throw err;
      console.log(`${name}: the API rejected the token; the door says ${await door.reject(name)}`);
    }
  }
}

const { DOOR_URL, DOOR_SECRET_FILE, API_URL = 'https://open.feishu.cn' } = process.env;
const door = new Door(DOOR_URL, readFileSync(DOOR_SECRET_FILE, 'utf8').trim());
const names = process.argv.slice(2);
for (const name of names) await door.token(name);
for (let i = 0; i < 2; i++) {
  console.log(`${names[0]}: the API says: ${await tenant(door, names[0], API_URL)}`);
}
