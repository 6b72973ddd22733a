// A bot on the official SDK for Node. It knows of no gateway: it has a base URL, an app id, and a secret.
//
//   BASE_URL=http://127.0.0.1:8082 APP_ID=cli_a1b2c3d4e5f6g7h8 APP_SECRET_FILE=secrets/bot node bot.mjs
import { readFileSync } from 'node:fs';
import * as lark from '@larksuiteoapi/node-sdk';

const client = new lark.Client({
  appId: process.env.APP_ID,
  appSecret: readFileSync(process.env.APP_SECRET_FILE, 'utf8').trim(),
  domain: process.env.BASE_URL,
  loggerLevel: lark.LoggerLevel.warn,
});

const answer = await client.tenant.tenant.query();
if (answer.code !== 0) throw new Error(`tenant query: ${answer.msg} (code ${answer.code})`);
console.log(answer.data.tenant.name);
